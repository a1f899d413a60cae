"""What each payload of `messages[]` must become."""

from connector.core.events import IdentityChange
from tests.whatsapp.reading import ANA, ANA_USER, AT, BRUNO, INVITE, NUMBER, inbound, odd

URL = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid="
SHA = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
AD = {
    "source_id": "120211223344556",
    "source_url": "https://fb.me/3kX91abcd",
    "source_type": "ad",
    "headline": "Escríbenos",
    "body": "Plantas para tu oficina",
    "media_type": "image",
    "image_url": "https://scontent.example.com/v/planta.jpg",
}
MARTA = {
    "name": "Marta López",
    "phone": "+57 310 555 0101",
    "whatsapp_id": "573105550101",
    "email": "marta@verde.example",
    "company": "Vivero Sur",
}


def text(payload, body, **more):
    return inbound(payload, "text", body, {"text": body}, **more)


def media(payload, shown, kind, id, mime_type, **more):
    return inbound(payload, "media", shown, {"kind": kind, "id": id, "mime_type": mime_type, "sha256": SHA} | more)


def identity(name, what, **more):
    return IdentityChange(id=f"wamid.IN.{name}", at=AT, number=NUMBER, what=what, **more)


MESSAGES = {
    "text": [text("text", "¡Hola! ¿Tienen envío a Medellín? 🌱")],
    "text_username_only": [
        text(
            "text_username_only",
            "Buenas",
            wa_id=None,
            user_id="CO.7740019283746502",
            parent_user_id="CO.ENT.99887766",
            name="Iván",
            username="ivan.verde",
        )
    ],
    "text_empty_wa_id": [text("text_empty_wa_id", "Oi", wa_id=None, user_id="BR.5540019283746503", name="Lucas")],
    "text_phone_only": [text("text_phone_only", "Bom dia", wa_id=BRUNO, user_id=None, name="Bruno Costa")],
    "text_without_contacts": [text("text_without_contacts", "sin contactos", name=None)],
    "text_reply": [text("text_reply", "9/10", context_id=INVITE)],
    "text_forwarded": [text("text_forwarded", "Mira esto", forwarded=True)],
    "text_frequently_forwarded": [text("text_frequently_forwarded", "Cadena", forwarded=True)],
    "text_from_ad": [
        text(
            "text_from_ad",
            "Quiero más información",
            referral=AD | {"ctwa_clid": "Aff-casa-verde-clid-001", "welcome": "¡Hola! ¿En qué te ayudamos?"},
        )
    ],
    "text_from_status_ad": [text("text_from_status_ad", "Info", referral=AD)],
    "text_about_product": [
        inbound(
            "text_about_product",
            "text",
            "¿Hay?",
            {"text": "¿Hay?", "product": "MONSTERA-M", "catalog": "998877665544"},
            context_id=INVITE,
        )
    ],
    "text_in_group": [text("text_in_group", "Hola a todos", group_id="Y2FwaV9ncm91cDpWZXJkZTox")],
    "text_hostile": [text("text_hostile", "nul:\ufffd half:\ufffd end", name="An\ufffda\ufffd")],
    "text_unknown_keys": [text("text_unknown_keys", "Gracias")],
    "button": [
        inbound("button", "button", "Me interesa", {"id": "interested", "title": "Me interesa"}, context_id=INVITE)
    ],
    "button_without_context": [
        inbound("button_without_context", "button", "Me interesa", {"id": "Me interesa", "title": "Me interesa"})
    ],
    "button_otp_not_requested": [
        inbound(
            "button_otp_not_requested",
            "button",
            "No pedí un código",
            {"id": "DID_NOT_REQUEST_CODE", "title": "No pedí un código"},
            context_id=INVITE,
        )
    ],
    "button_reply": [
        inbound("button_reply", "button", "1 to 10", {"id": "small", "title": "1 to 10"}, context_id=INVITE)
    ],
    "list_reply": [
        inbound(
            "list_reply",
            "list",
            "Martes 10:00",
            {"id": "tue_10", "title": "Martes 10:00", "description": "Sala norte"},
            context_id=INVITE,
        )
    ],
    "list_reply_without_description": [
        inbound(
            "list_reply_without_description",
            "list",
            "Miércoles 15:00",
            {"id": "wed_15", "title": "Miércoles 15:00"},
            context_id=INVITE,
        )
    ],
    "form": [
        inbound(
            "form",
            "form",
            "budget: 1500; email: ana@verde.example; plants: monstera, ficus; newsletter: True",
            {"budget": 1500, "email": "ana@verde.example", "plants": ["monstera", "ficus"], "newsletter": True},
            context_id=INVITE,
        )
    ],
    "form_without_token": [inbound("form_without_token", "form", "rating: 4", {"rating": "4"}, context_id=INVITE)],
    "form_address": [
        inbound(
            "form_address",
            "form",
            "saved_address_id: address1; name: Ana Ruiz; in_pin_code: 560034; city: Bengaluru",
            {"saved_address_id": "address1", "name": "Ana Ruiz", "in_pin_code": "560034", "city": "Bengaluru"},
            context_id=INVITE,
        )
    ],
    "form_empty": [inbound("form_empty", "form", "Sent", {})],
    "form_broken": [odd("messages.messages", "nfm_reply.response_json is not JSON")],
    "form_not_an_object": [odd("messages.messages", "nfm_reply.response_json is not an object")],
    "call_permission_reply": [
        inbound("call_permission_reply", "button", "accept", {"id": "accept", "title": "accept"}, context_id=INVITE)
    ],
    "product": [
        inbound(
            "product",
            "unsupported",
            "[product]",
            {"kind": "product", "product": "FICUS-L", "catalog": "998877665544"},
        )
    ],
    "image": [
        media(
            "image",
            "Mi balcón",
            "image",
            "811223344556671",
            "image/jpeg",
            caption="Mi balcón",
            url=URL + "811223344556671",
        )
    ],
    "image_without_url": [media("image_without_url", "[image]", "image", "811223344556672", "image/png")],
    "video": [
        media(
            "video",
            "El antes y el después",
            "video",
            "811223344556673",
            "video/mp4",
            caption="El antes y el después",
            url=URL + "811223344556673",
        )
    ],
    "document": [
        media(
            "document",
            "factura-118.pdf",
            "document",
            "811223344556674",
            "application/pdf",
            filename="factura-118.pdf",
            url=URL + "811223344556674",
        )
    ],
    "audio": [media("audio", "[audio]", "audio", "811223344556675", "audio/mpeg", url=URL + "811223344556675")],
    "voice": [
        media(
            "voice",
            "[voice message]",
            "audio",
            "811223344556676",
            "audio/ogg; codecs=opus",
            voice=True,
            url=URL + "811223344556676",
        )
    ],
    "sticker": [media("sticker", "[sticker]", "sticker", "811223344556677", "image/webp", url=URL + "811223344556677")],
    "location": [
        inbound(
            "location",
            "location",
            "Casa Verde, Calle 72 10-07, Bogotá",
            {
                "latitude": 4.6533,
                "longitude": -74.0836,
                "name": "Casa Verde",
                "address": "Calle 72 10-07, Bogotá",
                "url": "https://verde.example",
            },
        )
    ],
    "location_bare": [inbound("location_bare", "location", "4.6533, -74", {"latitude": 4.6533, "longitude": -74})],
    "contact": [inbound("contact", "contact", "Marta López +57 310 555 0101 marta@verde.example", MARTA)],
    "contact_several": [
        inbound(
            "contact_several",
            "contact",
            "Marta López +57 310 555 0101 marta@verde.example; Leo +573105550102",
            MARTA | {"others": [{"name": "Leo", "phone": "+573105550102", "whatsapp_id": "573105550102"}]},
        )
    ],
    "contact_request": [
        inbound(
            "contact_request",
            "contact",
            "+57 300 111 2222",
            {
                "phone": "+57 300 111 2222",
                "whatsapp_id": ANA,
                "vcard": "BEGIN:VCARD\nVERSION:3.0\nFN:Ana\nEND:VCARD",
                "origin": "contact_request",
            },
        )
    ],
    "contact_request_on_message": [
        inbound(
            "contact_request_on_message",
            "contact",
            "+57 300 111 2222",
            {"phone": "+57 300 111 2222", "origin": "contact_request"},
        )
    ],
    "order": [
        inbound(
            "order",
            "order",
            "2 x MONSTERA-M, 1 x POT-20 (85.2 USD)",
            {
                "items": ["2 x MONSTERA-M", "1 x POT-20"],
                "products": [
                    {"id": "MONSTERA-M", "quantity": 2, "price": 30.1, "currency": "USD"},
                    {"id": "POT-20", "quantity": 1, "price": 25, "currency": "USD"},
                ],
                "total": 85.2,
                "currency": "USD",
                "catalog": "998877665544",
            },
        )
    ],
    "order_with_text": [
        inbound(
            "order_with_text",
            "order",
            "Para el viernes, por favor",
            {
                "items": ["1 x POT-20"],
                "products": [{"id": "POT-20", "quantity": 1, "price": 90000, "currency": "COP"}],
                "total": 90000.0,
                "currency": "COP",
                "catalog": "998877665544",
                "text": "Para el viernes, por favor",
            },
        )
    ],
    "order_two_currencies": [
        inbound(
            "order_two_currencies",
            "order",
            "1 x A, 1 x B",
            {
                "items": ["1 x A", "1 x B"],
                "products": [
                    {"id": "A", "quantity": 1, "price": 1, "currency": "USD"},
                    {"id": "B", "quantity": 1, "price": 1, "currency": "EUR"},
                ],
                "catalog": "998877665544",
            },
        )
    ],
    "reaction": [inbound("reaction", "reaction", "👍🏽", {"emoji": "👍🏽"}, context_id=INVITE)],
    "reaction_removed": [
        inbound("reaction_removed", "reaction", "", {"emoji": "", "removed": True}, context_id=INVITE)
    ],
    "reaction_emptied": [
        inbound("reaction_emptied", "reaction", "", {"emoji": "", "removed": True}, context_id=INVITE)
    ],
    "system_number": [
        identity(
            "system_number",
            "user_changed_number",
            wa_id=ANA,
            new_wa_id="573009998888",
            text="User Ana Ruiz changed from 573001112222 to 573009998888",
        )
    ],
    "system_number_old_name": [
        identity(
            "system_number_old_name",
            "user_changed_number",
            wa_id=ANA,
            new_wa_id="573009998888",
            text="User changed number",
        )
    ],
    "system_user_id": [
        identity(
            "system_user_id",
            "user_changed_user_id",
            wa_id=ANA,
            user_id=ANA_USER,
            new_wa_id="573009998888",
            new_user_id="CO.2840019283746599",
            text="User Ana Ruiz changed",
        )
    ],
    "system_user_id_only": [
        identity(
            "system_user_id_only",
            "user_changed_user_id",
            user_id=ANA_USER,
            new_user_id="CO.2840019283746599",
            text="User changed from CO.2840019283746501 to CO.2840019283746599",
        )
    ],
    "system_identity": [identity("system_identity", "customer_identity_changed", wa_id=ANA)],
    "system_identity_new_name": [
        identity("system_identity_new_name", "customer_identity_changed", wa_id=ANA, text="Security code changed")
    ],
    "system_unknown": [odd("messages.messages", "unknown system type 'user_became_a_hologram'")],
    "unsupported": [
        inbound("unsupported", "unsupported", "[unsupported]", {"code": 131051, "reason": "Message type unknown"})
    ],
    "unsupported_edit": [
        inbound(
            "unsupported_edit",
            "unsupported",
            "[unsupported: edit]",
            {"kind": "edit", "code": 131051, "reason": "Message type unknown"},
        )
    ],
    "unsupported_unavailable": [
        inbound(
            "unsupported_unavailable",
            "unsupported",
            "[unsupported: media_placeholder]",
            {"kind": "media_placeholder", "code": 131060, "reason": "This message is unavailable"},
        )
    ],
    "edit_text": [
        inbound(
            "edit_text",
            "edit",
            "Son 3, no 2",
            {"original": "wamid.IN.first", "type": "text", "text": "Son 3, no 2"},
            context_id="wamid.IN.first",
        )
    ],
    "edit_caption": [
        inbound(
            "edit_caption",
            "edit",
            "Otra foto",
            {"original": "wamid.IN.first", "type": "image", "text": "Otra foto"},
            context_id="wamid.IN.first",
        )
    ],
    "revoke": [inbound("revoke", "revoke", "[deleted]", {"original": "wamid.IN.first"}, context_id="wamid.IN.first")],
    "unknown_type": [odd("messages.messages", "unknown message type 'hologram'")],
    "unknown_interactive": [odd("messages.messages", "unknown interactive type 'dice_reply'")],
    "unknown_messages_value": [odd("messages", "it holds no list that we know", at=None)],
}
