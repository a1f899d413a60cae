"""What an admin reads in HubSpot's workflow editor and history, in three languages."""

from collections.abc import Mapping
from typing import Any

LANGUAGES = ("en", "es", "pt-br")  # HubSpot's codes; English must be there
OTHER = "notSent"  # the rule for a reason without words of its own
WAITS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "reply": "The customer's reply",
        "delivered": "Delivery to the phone",
        "sent": "Sending",
        "none": "Nothing: go on at once",
    },
    "es": {
        "reply": "La respuesta del cliente",
        "delivered": "La entrega en el teléfono",
        "sent": "El envío",
        "none": "Nada: seguir enseguida",
    },
    "pt-br": {
        "reply": "A resposta do cliente",
        "delivered": "A entrega no telefone",
        "sent": "O envio",
        "none": "Nada: continuar logo",
    },
}
STATES = {
    "sent": "Sent",
    "delivered": "Delivered",
    "read": "Read",
    "replied": "Replied",
    "failed": "Failed",
    "refused": "Not sent",
    "expired": "Too late",
    "cancelled": "Cancelled",
}
ACTION: Mapping[str, tuple[str, str, str]] = {  # name, description, card
    "en": (
        "Send a WhatsApp message",
        "Sends a document or an approved template, and waits for the reply where you ask for it.",
        "Send {{message}} on WhatsApp",
    ),
    "es": (
        "Enviar un mensaje de WhatsApp",
        "Envía un documento o una plantilla aprobada y, si lo pide, espera la respuesta.",
        "Enviar {{message}} por WhatsApp",
    ),
    "pt-br": (
        "Enviar uma mensagem do WhatsApp",
        "Envia um documento ou um modelo aprovado e, se você pedir, espera a resposta.",
        "Enviar {{message}} pelo WhatsApp",
    ),
}
INPUTS: Mapping[str, Mapping[str, tuple[str, str]]] = {  # label, description
    "en": {
        "message": ("Message", "A live document of the connector, or an approved template."),
        "parameters": ("Values for the template", "One a line, e.g. first_name: Ana. A document brings its own."),
        "phone": ("Phone", "Only when the message shall not go to the record's contact."),
        "wait_for": ("Wait for", "When the workflow goes on; after a week it goes on anyway."),
    },
    "es": {
        "message": ("Mensaje", "Un documento activo del conector o una plantilla aprobada."),
        "parameters": (
            "Valores de la plantilla",
            "Uno por línea, p. ej. first_name: Ana. Un documento trae los suyos.",
        ),
        "phone": ("Teléfono", "Solo si el mensaje no va al contacto del registro."),
        "wait_for": ("Esperar", "Cuándo sigue el workflow; después de una semana sigue de todos modos."),
    },
    "pt-br": {
        "message": ("Mensagem", "Um documento ativo do conector ou um modelo aprovado."),
        "parameters": ("Valores do modelo", "Um por linha, p. ex. first_name: Ana. Um documento traz os seus."),
        "phone": ("Telefone", "Só quando a mensagem não vai para o contato do registro."),
        "wait_for": ("Esperar", "Quando o workflow continua; depois de uma semana continua de qualquer forma."),
    },
}
OUTPUTS: Mapping[str, Mapping[str, str]] = {
    "en": {"state": "What became of it", "reply": "Reply", "reply_id": "Reply: id of the button", "reason": "Reason",
           "errorCode": "Code of the reason"},
    "es": {"state": "Qué pasó", "reply": "Respuesta", "reply_id": "Respuesta: id del botón", "reason": "Motivo",
           "errorCode": "Código del motivo"},
    "pt-br": {"state": "O que aconteceu", "reply": "Resposta", "reply_id": "Resposta: id do botão", "reason": "Motivo",
           "errorCode": "Código do motivo"},
}  # fmt: skip
NOT_SENT = {"en": "Not sent", "es": "No se envió", "pt-br": "Não foi enviada"}
# The code of a send's reason -> what the workflow's history says, in the order of LANGUAGES.
ERRORS: Mapping[str, tuple[str, str, str]] = {
    "not_read": (
        "the step does not say what to send.",
        "el paso no dice qué enviar.",
        "a etapa não diz o que enviar.",
    ),
    "document": (
        "the document is not live any more.",
        "el documento ya no está activo.",
        "o documento não está mais ativo.",
    ),
    "consent": (
        "the person has not agreed to such messages, or has opted out.",
        "la persona no aceptó estos mensajes o se dio de baja.",
        "a pessoa não aceitou essas mensagens ou saiu da lista.",
    ),
    "opted_out": ("the person has opted out.", "la persona se dio de baja.", "a pessoa saiu da lista."),
    "no_phone": (
        "the contact has no phone number.",
        "el contacto no tiene número de teléfono.",
        "o contato não tem número de telefone.",
    ),
    "bad_phone": (
        "the phone number cannot be dialled; write it with + and the country code.",
        "el número de teléfono no es válido; escríbalo con + y el código del país.",
        "o número de telefone não é válido; escreva com + e o código do país.",
    ),
    "template": (
        "the template does not exist or is not approved.",
        "la plantilla no existe o no está aprobada.",
        "o modelo não existe ou não está aprovado.",
    ),
    "language": (
        "the template has no version in this language.",
        "la plantilla no tiene versión en este idioma.",
        "o modelo não tem versão neste idioma.",
    ),
    "parameter": (
        "a value of the template is missing or does not fit. {{reason}}",
        "un valor de la plantilla falta o no sirve. {{reason}}",
        "um valor do modelo falta ou não serve. {{reason}}",
    ),
    "at_most": (
        "the person has had this message often enough.",
        "la persona ya recibió este mensaje las veces permitidas.",
        "a pessoa já recebeu esta mensagem as vezes permitidas.",
    ),
    "quiet_hours": (
        "it is outside the allowed hours.",
        "está fuera del horario permitido.",
        "está fora do horário permitido.",
    ),
    "give_up": ("it was too late to send it.", "ya era tarde para enviarlo.", "já era tarde para enviá-la."),
    "cancelled": (
        "the document cancelled it.",
        "el documento lo canceló.",
        "o documento a cancelou.",
    ),
    "window": (
        "more than 24 hours since the person last wrote; choose a template.",
        "pasaron más de 24 horas desde el último mensaje de la persona; elija una plantilla.",
        "passaram mais de 24 horas desde a última mensagem da pessoa; escolha um modelo.",
    ),
}


def labels(language: str) -> dict[str, Any]:
    """The `labels` of the action in one language."""
    name, description, card = ACTION[language]
    at, start = LANGUAGES.index(language), NOT_SENT[language]
    return {
        "actionName": name,
        "actionDescription": description,
        "actionCardContent": card,
        "inputFieldLabels": {field: label for field, (label, _) in INPUTS[language].items()},
        "inputFieldDescriptions": {field: about for field, (_, about) in INPUTS[language].items()},
        "inputFieldOptionLabels": {"wait_for": dict(WAITS[language])},
        "outputFieldLabels": dict(OUTPUTS[language]),
        "executionRules": {
            **{code: f"{start}: {texts[at]}" for code, texts in ERRORS.items()},
            OTHER: f"{start}: {{{{reason}}}}",
        },
    }
