"""What mail programs and their users write, by language. The quoted mail is of 23 November 2026.

`{who}` stands for a name with its address, `{name}` for the name alone. The wordings are those of
the programs' own translations; what people say is made up.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """The words of one language."""

    code: str
    gmail: str
    """How Gmail says who is quoted."""
    apple: str
    """How Apple Mail does."""
    plain: str
    """How Thunderbird, Roundcube and Fastmail do: without an address."""
    long: str
    """How Yahoo, Proton Mail and K-9 do: with a long date."""
    labels: tuple[str, str, str, str, str]
    """From, Sent, To, Subject and Date, as Outlook and telephones head a quoted mail."""
    day: str
    """The day with its time, as Outlook writes it."""
    original: str
    """The words for "Original message"."""
    iphone: str
    outlook: str
    galaxy: str
    said: tuple[str, str]
    """What somebody answers to `asked`, in two paragraphs."""
    asked: tuple[str, str]
    below: str
    """A sentence that points at the answers in the quote."""
    closing: str
    right_to_left: bool = False


EN = Language(
    code="en",
    gmail="On Mon, Nov 23, 2026 at 10:00\u202fAM {who} wrote:",
    apple="On Nov 23, 2026, at 10:00\u202fAM, {who} wrote:",
    plain="On 23/11/2026 10:00, {name} wrote:",
    long="On Monday, November 23rd, 2026 at 10:00:00 AM GMT+1, {who} wrote:",
    labels=("From", "Sent", "To", "Subject", "Date"),
    day="Monday, November 23, 2026 10:00 AM",
    original="Original Message",
    iphone="Sent from my iPhone",
    outlook="Get Outlook for iOS",
    galaxy="Sent from my Galaxy",
    said=("Two of the blue ones, please.", "Send them to the office. Order #1042 has the address."),
    asked=("Would you like one or two?", "Where should we send them?"),
    below="Please see my answers below.",
    closing="Best regards,",
)
DE = Language(
    code="de",
    gmail="Am Mo., 23. Nov. 2026 um 10:00 Uhr schrieb {who}:",
    apple="Am 23.11.2026 um 10:00 schrieb {who}:",
    plain="Am 23.11.26 um 10:00 schrieb {name}:",
    long="Am Montag, 23. November 2026 um 10:00:00 MEZ hat {who} Folgendes geschrieben:",
    labels=("Von", "Gesendet", "An", "Betreff", "Datum"),
    day="Montag, 23. November 2026 10:00",
    original="Ursprüngliche Nachricht",
    iphone="Von meinem iPhone gesendet",
    outlook="Outlook für iOS beziehen",
    galaxy="Von meinem Galaxy gesendet",
    said=("Zwei von den blauen, bitte.", "Bitte ins Büro. Die Adresse steht in Bestellung #1042."),
    asked=("Möchten Sie einen oder zwei?", "Wohin sollen wir sie schicken?"),
    below="Meine Antworten stehen unten im Text.",
    closing="Viele Grüße",
)
FR = Language(
    code="fr",
    gmail="Le lun. 23 nov. 2026 à 10:00, {who} a écrit :",
    apple="Le 23 nov. 2026 à 10:00, {who} a écrit :",
    plain="Le 23/11/2026 à 10:00, {name} a écrit :",
    long="Le lundi 23 novembre 2026 à 10:00:00 UTC+1, {who} a écrit :",
    labels=("De", "Envoyé", "À", "Objet", "Date"),
    day="lundi 23 novembre 2026 10:00",
    original="Message d'origine",
    iphone="Envoyé de mon iPhone",
    outlook="Télécharger Outlook pour iOS",
    galaxy="Envoyé depuis mon appareil Galaxy",
    said=("Deux bleues, s'il vous plaît.", "Au bureau. L'adresse est dans la commande #1042."),
    asked=("En voulez-vous une ou deux ?", "Où devons-nous les envoyer ?"),
    below="Voici mes réponses ci-dessous.",
    closing="Cordialement,",
)
ES = Language(
    code="es",
    gmail="El lun, 23 nov 2026 a las 10:00, {who} escribió:",
    apple="El 23 nov 2026, a las 10:00, {who} escribió:",
    plain="El 23/11/2026 a las 10:00, {name} escribió:",
    long="El lunes, 23 de noviembre de 2026, 10:00:00 CET, {who} escribió:",
    labels=("De", "Enviado", "Para", "Asunto", "Fecha"),
    day="lunes, 23 de noviembre de 2026 10:00",
    original="Mensaje original",
    iphone="Enviado desde mi iPhone",
    outlook="Obtener Outlook para iOS",
    galaxy="Enviado desde mi Galaxy",
    said=("Dos de las azules, por favor.", "A la oficina. La dirección está en el pedido #1042."),
    asked=("¿Quiere una o dos?", "¿Adónde las enviamos?"),
    below="Le respondo más abajo.",
    closing="Un saludo,",
)
IT = Language(
    code="it",
    gmail="Il giorno lun 23 nov 2026 alle ore 10:00 {who} ha scritto:",
    apple="Il giorno 23 nov 2026, alle ore 10:00, {who} ha scritto:",
    plain="Il 23/11/2026 10:00, {name} ha scritto:",
    long="Il lunedì 23 novembre 2026 alle ore 10:00:00 CET, {who} ha scritto:",
    labels=("Da", "Inviato", "A", "Oggetto", "Data"),
    day="lunedì 23 novembre 2026 10:00",
    original="Messaggio originale",
    iphone="Inviato da iPhone",
    outlook="Ottieni Outlook per iOS",
    galaxy="Inviato dal mio Galaxy",
    said=("Due di quelle blu, per favore.", "In ufficio. L'indirizzo è nell'ordine #1042."),
    asked=("Ne vuole una o due?", "Dove dobbiamo spedirle?"),
    below="Le rispondo qui sotto.",
    closing="Cordiali saluti,",
)
NL = Language(
    code="nl",
    gmail="Op ma 23 nov 2026 om 10:00 schreef {who}:",
    apple="Op 23 nov 2026 om 10:00 heeft {who} het volgende geschreven:",
    plain="Op 23-11-2026 om 10:00 schreef {name}:",
    long="Op maandag 23 november 2026 om 10:00:00 CET schreef {who}:",
    labels=("Van", "Verzonden", "Aan", "Onderwerp", "Datum"),
    day="maandag 23 november 2026 10:00",
    original="Oorspronkelijk bericht",
    iphone="Verstuurd vanaf mijn iPhone",
    outlook="Outlook voor iOS downloaden",
    galaxy="Verzonden vanaf mijn Galaxy",
    said=("Twee van de blauwe, graag.", "Naar kantoor. Het adres staat in bestelling #1042."),
    asked=("Wilt u er een of twee?", "Waar sturen we ze heen?"),
    below="Mijn antwoorden staan hieronder.",
    closing="Met vriendelijke groet,",
)
PT = Language(
    code="pt",
    gmail="Em seg., 23 de nov. de 2026 às 10:00, {who} escreveu:",
    apple="Em 23 de nov. de 2026, à(s) 10:00, {who} escreveu:",
    plain="Em 23/11/2026 10:00, {name} escreveu:",
    long="Em segunda-feira, 23 de novembro de 2026 às 10:00:00 BRT, {who} escreveu:",
    labels=("De", "Enviado", "Para", "Assunto", "Data"),
    day="segunda-feira, 23 de novembro de 2026 10:00",
    original="Mensagem original",
    iphone="Enviado do meu iPhone",
    outlook="Obter o Outlook para iOS",
    galaxy="Enviado do meu Galaxy",
    said=("Duas das azuis, por favor.", "Para o escritório. O endereço está no pedido #1042."),
    asked=("Quer uma ou duas?", "Para onde devemos enviar?"),
    below="Veja as minhas respostas abaixo.",
    closing="Atenciosamente,",
)
