"""The words by which mail programs introduce what they quote and forward, in many languages."""

from __future__ import annotations

import re

_WROTE = (
    "wrote|writes|schrieb|geschrieben"
    "|het volgende geschreven|wiadomość napisana przez|napisał/a"
    "|a écrit|écrit|escribió|escreveu|ha scritto|schreef|skrev"
    "|kirjoitti|napisał|napisała|napisał\\(a\\)|nadesłał|pisze|napsal|napsala|napsal\\(a\\)"
    "|napísal|napísala|napísal\\(a\\)|írta|a scris|yazdı|написал|написала|написал\\(а\\)|пишет"
    "|писал|пише|написав|написала|написа|έγραψε|menulis|đã viết|va escriure|rašė|rakstīja"
    "|kirjutas|je napisao|je napisala|je napisal|כתב|כתבה|מאת|كتب|كتبت|تمت كتابة ما يلي"
)
WROTE = re.compile(
    rf"(?<!\w)(?:{_WROTE})(?!\w)|写道|寫道|写到|のメール|書きました|작성|เขียน", re.IGNORECASE
)
"""Matches "wrote", as programs say it above what they quote."""

_ON = (
    "on|am|le|el|em|il|op|den|dne|dňa|dnia|w dniu|pada|tanggal|în|pe|la|a|vào|на|в|στις|на дата"
    "|בתאריך|في|إلى|kl"
)
STARTS = re.compile(
    # A word for "on" and then a number, a few words on.
    rf"(?:{_ON})\s\D{{0,40}}\d"
    # The short name of a day and a number; but not "at 09:12".
    r"|[^\W\d]{1,4}\.?,?\s++\d{1,2}\b(?!:)"
    # A date.
    r"|\d{4}[-./年년]\s?\d|\d{1,2}[-./]\s?\d{1,2}[-./]\s?\d{2,4}|\d{1,2}\.?\s[^\W\d]++\.?,?\s\d{4}"
    r"|在|于|於|เมื่อ",
    re.IGNORECASE,
)
"""Matches the beginning of a line that begins with a day, as most attributions do."""

_LABELS = {
    "from": (
        "from|von|de|da|van|från|fra|lähettäjä|od|nadawca|feladó|de la|kimden|gönderen|от|от кого"
        "|від|από|מאת|من|发件人|寄件者|寄件人|差出人|送信元|보낸 사람|보낸사람|dari|từ|จาก"
        "|expéditeur|mittente|remitente|remetente|absender|afzender"
    ),
    "date": (
        "date|sent|datum|gesendet|gesendet am|envoyé|enviado|enviado el|enviada em|fecha|data"
        "|inviato|verzonden|skickat|sendt|dato|lähetetty|päivämäärä|wysłano|odesláno|dátum"
        "|elküldve|trimis|gönderildi|gönderilen|gönderme tarihi|gönderilme tarihi|tarih"
        "|تم الإرسال|تاريخ الإرسال|التاريخ|отправлено|дата|надіслано|αποστολή"
        "|ημερομηνία|נשלח|תאריך|تاريخ|发送时间|寄件日期|傳送時間|日期|时间|日付|送信日時"
        "|보낸 날짜|날짜|dikirim|tanggal|ngày|วันที่"
    ),
    "to": (
        "to|cc|an|à|a|para|aan|naar|till|til|vastaanottaja|do|komu|címzett|către|kime|alıcı|кому"
        "|до|προς|אל|إلى|收件人|收件者|宛先|받는 사람|받는사람|kepada|đến|ถึง|kopie|copia|kopia"
        "|kopi|抄送|副本|참조|копия|destinataire|destinatario|empfänger"
    ),
    "subject": (
        "subject|betreff|objet|asunto|assunto|oggetto|onderwerp|ämne|emne|aihe|temat|předmět"
        "|predmet|tárgy|subiect|konu|тема|относно|θέμα|נושא|الموضوع|主题|主題|主旨|件名|제목"
        "|subjek|chủ đề|เรื่อง"
    ),
    "other": (
        "reply-to|antwort an|importance|priorität|attachments|anlagen|organization|organisation"
        "|mailed-by|signed-by"
    ),
}
LABELS = {word: kind for kind, words in _LABELS.items() for word in words.split("|")}
"""What a label of a quoted header names: from, date, to (and copies), subject or other."""

FORWARDED = re.compile(
    r"forwarded (?:message|mail|e-?mail)|weitergeleitete(?:n|r)? (?:nachricht|e-?mail|mail)"
    r"|(?:message|courriel) (?:transféré|réexpédié)|mensaje reenviado|missatge reenviat"
    r"|mensagem (?:encaminhada|reencaminhada)|messaggio inoltrato|doorgestuurd bericht"
    r"|vidarebefordra(?:t|de) (?:brev|meddelande)|videresendt (?:besked|melding|meddelelse)"
    r"|(?:välitetty|edelleenlähetetty) viesti|(?:przekazana|przesłana dalej) wiadomość"
    r"|přepos(?:laná|ílaná) zpráva|preposlaná správa|továbbított (?:üzenet|levél)"
    r"|mesaj (?:redirecționat|redirectionat)|(?:iletilen|iletilmiş) (?:ileti|mesaj)"
    r"|(?:пересылаемое|пересланное|переслане) (?:сообщение|повідомлення)|προωθημένο μήνυμα"
    r"|препратено съобщение|הודעה שהועברה|رسالة (?:معاد توجيهها|محولة)|转发(?:的)?(?:邮件|信息)"
    r"|轉寄(?:的)?郵件|転送(?:された)?(?:メッセージ|メール)|전달된 ?(?:메일|메시지)"
    r"|pesan (?:terusan|yang diteruskan)|chuyển tiếp",
    re.IGNORECASE,
)
"""Matches what programs write above what is forwarded."""

_CLOSINGS = (
    "(?:best|kind|kindest|warm|warmest)? ?regards|best wishes|all the best|best|cheers|sincerely"
    "|(?:yours|very) (?:sincerely|truly|faithfully)|sincerely yours|(?:many )?thanks|thank you"
    "|thank you (?:so|very) much|thanks (?:a lot|again|so much)|(?:thanks|thank you) in advance|thx"
    "|mit (?:freundlichen|besten|herzlichen|lieben) grü(?:ß|ss)en|mit freundlichem gru(?:ß|ss)"
    "|mit freundlichen gruessen|(?:freundliche|beste|viele|liebe|herzliche|schöne)? ?grü(?:ß|ss)e"
    "|(?:schönen|lieben)? ?gru(?:ß|ss)|hochachtungsvoll|mfg|lg|vg|(?:vielen|besten|herzlichen) dank"
    "|danke|danke schön|danke im voraus|(?:bien )?cordialement|(?:sincères )?salutations"
    "|bien à (?:vous|toi)|merci|merci (?:beaucoup|d'avance)|bonne journée|saludos(?: cordiales)?"
    "|un (?:cordial )?saludo|atentamente|cordialmente|(?:muchas )?gracias|atenciosamente"
    "|cumprimentos|(?:com os )?melhores cumprimentos|(?:muito )?obrigad[oa]|abraços?"
    "|(?:cordiali|distinti)? ?saluti|un saluto|grazie(?: mille)?|(?:met )?vriendelijke groet(?:en)?"
    "|(?:met )?hartelijke groet(?:en)?|groet(?:en|jes)?|mvg|(?:alvast )?bedankt"
    "|(?:med )?(?:vänliga|bästa) hälsningar|hälsningar|mvh"
    "|(?:med )?(?:venlig|vennlig|bedste) hilsen|hilsen|tack(?: på förhand)?|tak"
    "|(?:mange|tusen) takk?|takk"
    "|(?:ystävällisin )?terveisin"
    "|kiitos|(?:serdecznie )?pozdrawiam(?: serdecznie)?|z poważaniem|(?:z )?pozdrowieniami|dziękuję"
    "|s pozdravem|děkuji|üdvözlettel|köszönöm"
    "|saygılarım(?:la|ızla)|saygılar|iyi (?:günler|çalışmalar)|sevgiler|teşekkür(?:ler| ederim)"
    "|с уважением|спасибо|з повагою|με εκτίμηση"
    "|(?:どうぞ)?(?:よろしく|宜しく)(?:お願い(?:いた|致)?します|お願い申し上げます)?|敬具|草々"
    "|此致|敬礼|敬上|祝好|谢谢|謝謝|此致敬礼|顺颂商祺"
    "|בברכה|בכבוד רב|תודה(?: רבה| מראש)?|مع (?:أطيب )?(?:التحيات|تحياتي|التحية)|تحياتي"
    "|مع خالص التحية|وتفضلوا بقبول فائق الاحترام|شكر[اً]{1,2}(?: جزيلا[ً]?)?"
)
_CLOSING = re.compile(
    rf"(?:{_CLOSINGS})(?: ?(?:and|und|et|y|e|en|og|och|&|\+) ?(?:{_CLOSINGS}))?", re.IGNORECASE
)


def is_closing(line: str) -> bool:
    """Whether the line is nothing but the words with which people end a letter."""
    return _CLOSING.fullmatch(" ".join(line[:80].split()).strip(" ,.!;،。、，！")) is not None
