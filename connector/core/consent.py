"""STOP and START words: a message that is nothing but such a word is an opt-out or opt-in, in every language we know.

The whole message must be the word: "STOP!" counts, "please stop by at 5" does not. Case, accents, punctuation and emoji
around it do not matter. Words that answer everyday questions are left out on purpose, because an opt-out is kept for
ever: English CANCEL, END and QUIT (on the CTIA's list, but also said to a booking or a flow), Spanish "alto" and "alta"
(high), Turkish "dur" (French: hard), Swahili "acha" (Hindi: all right), and every "register" as an opt-in.
"""

from unicodedata import combining, normalize

# language -> (words that stop, words that start again), as people type them
WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "en": (
        ("stop", "stop all", "stopall", "stop messages", "stop promotions", "unsubscribe", "unsubscribe me",
         "opt out", "optout"),
        ("start", "unstop", "subscribe", "resubscribe", "opt in", "optin"),
    ),
    "es": (
        ("baja", "darme de baja", "dar de baja", "cancelar suscripción", "no más mensajes", "no quiero más mensajes",
         "desuscribir", "desuscribirme", "parar"),
        ("suscribir", "suscribirme", "darme de alta"),
    ),
    "pt": (
        ("sair", "parar", "pare", "descadastrar", "cancelar inscrição", "não quero mais mensagens", "sair da lista"),
        ("reativar mensagens", "quero receber mensagens"),
    ),
    "fr": (
        ("stop", "arrêt", "arrêter", "arrêtez", "désabonner", "me désabonner", "désinscription", "désinscrire"),
        ("abonner", "m'abonner", "s'abonner"),
    ),
    "de": (("stopp", "abmelden", "abbestellen", "austragen", "keine nachrichten mehr"), ("abonnieren",)),
    "it": (
        ("ferma", "basta messaggi", "cancellami", "disiscrivimi", "annulla iscrizione", "disiscriviti"),
        ("riattiva",),
    ),
    "nl": (("stoppen", "afmelden", "uitschrijven"), ("abonneren",)),
    "pl": (("wypisz", "wypisz mnie", "anuluj subskrypcję"), ("zapisz mnie", "subskrybuj")),
    "ru": (("стоп", "отписаться", "отписка", "отпишите", "отпишите меня"), ("старт", "подписаться", "подписка")),
    "uk": (("стоп", "відписатися", "відписатись", "відпишіть мене"), ("підписатися", "підписатись")),
    "tr": (("durdur", "abonelikten çık", "ret"), ("abone ol", "başlat")),
    "ar": (("توقف", "إيقاف", "إلغاء الاشتراك"), ("اشتراك", "اشترك")),
    "he": (("הסר", "הסירו אותי", "להסרה"), ("הצטרף",)),
    "hi": (("रोकें", "रोको", "बंद करें", "बंद करो", "सदस्यता समाप्त"), ("शुरू करें", "सदस्यता लें")),
    "id": (("berhenti", "berhenti berlangganan", "hentikan"), ("berlangganan", "mulai berlangganan")),
    "ms": (("henti", "berhenti melanggan"), ("langgan", "melanggan")),
    "vi": (("dừng", "hủy đăng ký", "huỷ đăng ký"), ("đăng ký nhận tin",)),
    "th": (("หยุด", "ยกเลิกการสมัคร", "ยกเลิกสมาชิก"), ("สมัครสมาชิก",)),
    "zh": (("停止", "退订", "退訂", "取消订阅", "取消訂閱"), ("订阅", "訂閱", "开始订阅")),
    "ja": (("停止", "配信停止", "登録解除"), ("配信再開",)),
    "ko": (("중지", "수신거부", "구독취소", "구독 취소"), ("구독", "수신동의")),
    "ro": (("dezabonare", "dezabonează-mă"), ("abonare", "abonează-mă")),
    "cs": (("odhlásit", "odhlásit odběr"), ("přihlásit odběr",)),
    "sv": (("stopp", "avsluta prenumeration", "avregistrera"), ("prenumerera",)),
    "el": (("στοπ", "διακοπή", "διαγραφή"), ("συνδρομή",)),
    "sw": (("simamisha", "jiondoe"), ("jiunge",)),
}  # fmt: skip

_LONGEST = 64  # characters; no word of ours comes near, and a long message is never looked at


def _fold(text: str) -> str:
    """Case, accents, punctuation, emoji and repeated spaces away (Turkish dotless i too); letters and digits stay."""
    letters = (c for c in normalize("NFKD", text.casefold().replace("ı", "i")) if not combining(c))
    return " ".join("".join(c if c.isalnum() or _joins(c) else " " for c in letters).split())


def _joins(char: str) -> bool:
    """Vowel signs that are spacing marks (Devanagari, Thai) belong to the word though they are no letters."""
    return "ऀ" <= char <= "ൿ" or "ก" <= char <= "๎"


_STATES: dict[str, str] = {}
for _stop, _start in WORDS.values():
    _STATES.update({_fold(word): "opted_in" for word in _start})
for _stop, _start in WORDS.values():  # after every START word: should two languages disagree, the opt-out wins
    _STATES.update({_fold(word): "opted_out" for word in _stop})


def stop_word(text: str) -> str | None:
    """`opted_out` or `opted_in` when the whole message is such a word, else None."""
    if len(text) > _LONGEST:
        return None
    return _STATES.get(_fold(text))
