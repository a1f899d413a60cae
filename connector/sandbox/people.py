"""The made-up people, companies and deals both CRM stand-ins are seeded with.

Phones are spelled the way sales people type them: with and without country code, brackets, the Mexican 1, Brazilian
mobiles with eight and nine digits, the Argentine 9. Three numbers belong to two people each. Nobody here is real.
"""

# ruff: noqa: E501 - one person, one line: a table reads best as a table

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `home` is where they are kept: h HubSpot, c Salesforce Contact, l Salesforce Lead (letters add up).

    `number` ends the record's id (HubSpot: the id itself), so ids stay the same when somebody is added.
    """

    number: int
    home: str
    first: str
    last: str
    email: str
    phone: str
    mobile: str
    country: str  # ISO code
    city: str
    company: str
    stage: str  # HubSpot's lifecyclestage
    owner: int  # index into OWNERS
    wa_id: str = ""


@dataclass(frozen=True, slots=True)
class Company:
    """A customer's company."""

    number: int
    name: str
    domain: str
    country: str
    city: str
    industry: str


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal (HubSpot) or opportunity (Salesforce) of one person, by the person's number."""

    number: int
    home: str
    name: str
    stage: str
    amount: str
    currency: str
    person: int
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """A sales person of the business."""

    number: int
    first: str
    last: str
    email: str


OWNERS = (
    Owner(64492917, "Paula", "Herrera", "paula.herrera@sandbox-store.example"),
    Owner(64492918, "Marcos", "Lima", "marcos.lima@sandbox-store.example"),
    Owner(64492919, "Jenny", "Walsh", "jenny.walsh@sandbox-store.example"),
)

COMPANIES = (
    Company(2001, "Café del Valle SAS", "cafedelvalle.example", "CO", "Bogota", "FOOD_PRODUCTION"),
    Company(2002, "Textiles Andinos", "textilesandinos.example", "CO", "Medellin", "TEXTILES"),
    Company(2003, "Grupo Azteca Pintura", "aztecapintura.example", "MX", "Mexico City", "CONSTRUCTION"),
    Company(2004, "Logística del Bajío", "logbajio.example", "MX", "Leon", "LOGISTICS_AND_SUPPLY_CHAIN"),
    Company(2005, "Padaria Souza & Filhos", "padariasouza.example", "BR", "Sao Paulo", "FOOD_PRODUCTION"),
    Company(2006, "Vinhos do Sul", "vinhosdosul.example", "BR", "Porto Alegre", "WINE_AND_SPIRITS"),
    Company(2007, "Estancia La Pampa", "estancialapampa.example", "AR", "Buenos Aires", "FARMING"),
    Company(2008, "Clínica San Borja", "clinicasanborja.example", "PE", "Lima", "HOSPITAL_HEALTH_CARE"),
    Company(2009, "Pacific Rim Dental", "pacificrimdental.example", "US", "San Francisco", "MEDICAL_PRACTICE"),
    Company(2010, "Lone Star Solar", "lonestarsolar.example", "US", "Austin", "RENEWABLES_ENVIRONMENT"),
    Company(2011, "Puerto Sur Envíos", "puertosur.example", "CL", "Valparaiso", "IMPORT_AND_EXPORT"),
    Company(2012, "Quito Digital", "quitodigital.example", "EC", "Quito", "COMPUTER_SOFTWARE"),
)

P = Person
PEOPLE = (
    # The demo knows these five; their numbers and spellings stay as they are.
    P(1512, "h", "Ana", "Ruiz", "ana.ruiz@cafedelvalle.example", "+57 300 111 2222", "", "CO", "Bogota", "Café del Valle SAS", "lead", 0),
    P(1513, "h", "Carlos", "Mendez", "carlos.mendez@aztecapintura.example", "55 1234 5678", "", "MX", "Mexico City", "Grupo Azteca Pintura", "lead", 0),
    P(1514, "h", "Laura", "Gomez", "laura.gomez@textilesandinos.example", "+573004445555", "", "CO", "Medellin", "Textiles Andinos", "customer", 0),
    P(1601, "c", "Beatriz", "Souza", "beatriz@padariasouza.example", "", "+55 11 98765-4321", "BR", "Sao Paulo", "Padaria Souza & Filhos", "opportunity", 1),
    P(1602, "l", "Dana", "Lee", "dana.lee@pacificrimdental.example", "(415) 555-0123", "", "US", "San Francisco", "Pacific Rim Dental", "lead", 2),
    # Colombia
    P(1515, "h", "Jorge", "Castaño", "jorge@cafedelvalle.example", "300 222 3344", "", "CO", "Bogota", "Café del Valle SAS", "opportunity", 0),
    P(1516, "hc", "Marisol", "Peña", "marisol.pena@textilesandinos.example", "+57 (604) 444 1020", "+573105550101", "CO", "Medellin", "Textiles Andinos", "customer", 0, "573105550101"),
    P(1517, "h", "Andrés", "Quintero", "andres.q@textilesandinos.example", "", "3205550102", "CO", "Medellin", "Textiles Andinos", "marketingqualifiedlead", 0),
    P(1603, "c", "Camila", "Restrepo", "camila@cafedelvalle.example", "601 555 0190", "+57 315 555 0103", "CO", "Bogota", "Café del Valle SAS", "customer", 0),
    P(1604, "l", "Felipe", "Ospina", "felipe.ospina@correo.example", "57 318 5550104", "", "CO", "Cali", "Ospina Asesores", "lead", 0),
    # Mexico: the old mobile 1, 044, ten plain digits, brackets
    P(1518, "h", "Guadalupe", "Ríos", "lupita.rios@logbajio.example", "+52 1 477 555 0110", "", "MX", "Leon", "Logística del Bajío", "salesqualifiedlead", 0),
    P(1519, "h", "Héctor", "Zamora", "hector.zamora@logbajio.example", "044 477 555 0111", "", "MX", "Leon", "Logística del Bajío", "lead", 0),
    P(1520, "hc", "Ximena", "Durán", "ximena.duran@aztecapintura.example", "(55) 5555-0112", "+52 55 5555 0113", "MX", "Mexico City", "Grupo Azteca Pintura", "customer", 0),
    P(1605, "c", "Rodrigo", "Salas", "rodrigo.salas@aztecapintura.example", "55 5555 0114", "", "MX", "Mexico City", "Grupo Azteca Pintura", "opportunity", 0),
    P(1606, "l", "Itzel", "Navarro", "itzel@navarrofoto.example", "+5215555550115", "", "MX", "Puebla", "Navarro Fotografía", "lead", 0),
    # Brazil: eight and nine digits
    P(1521, "h", "João", "Ferreira", "joao@vinhosdosul.example", "(51) 9555-0120", "", "BR", "Porto Alegre", "Vinhos do Sul", "opportunity", 1),
    P(1522, "h", "Luciana", "Prado", "luciana@vinhosdosul.example", "+55 51 99555-0121", "", "BR", "Porto Alegre", "Vinhos do Sul", "customer", 1, "555195550121"),
    P(1523, "hc", "Rafael", "Moura", "rafael.moura@padariasouza.example", "11 3555-0122", "(11) 99555-0122", "BR", "Sao Paulo", "Padaria Souza & Filhos", "lead", 1),
    P(1607, "c", "Fernanda", "Alves", "fernanda@vinhosdosul.example", "", "+55 31 8555-0123", "BR", "Belo Horizonte", "Vinhos do Sul", "customer", 1),
    P(1608, "l", "Thiago", "Barros", "thiago.barros@barroseng.example", "5521995550124", "", "BR", "Rio de Janeiro", "Barros Engenharia", "lead", 1),
    # Argentina: with and without the 9, and the local 15
    P(1524, "h", "Martín", "Sosa", "martin@estancialapampa.example", "+54 9 11 5555-0130", "", "AR", "Buenos Aires", "Estancia La Pampa", "lead", 0),
    P(1525, "h", "Valeria", "Acosta", "valeria@estancialapampa.example", "+54 11 5555-0131", "", "AR", "Buenos Aires", "Estancia La Pampa", "customer", 0),
    P(1609, "c", "Nicolás", "Ibarra", "nicolas@estancialapampa.example", "011 15 5555-0132", "", "AR", "Buenos Aires", "Estancia La Pampa", "opportunity", 0),
    P(1610, "l", "Sofía", "Medina", "sofia.medina@correo.example", "+5493515550133", "", "AR", "Cordoba", "Medina Hnos", "lead", 0),
    # Peru, Chile, Ecuador
    P(1526, "h", "Rosa", "Huamán", "rosa.huaman@clinicasanborja.example", "987 555 140", "", "PE", "Lima", "Clínica San Borja", "lead", 0),
    P(1527, "hc", "Diego", "Flores", "diego.flores@clinicasanborja.example", "+51 1 555 0141", "+51 987 555 141", "PE", "Lima", "Clínica San Borja", "customer", 0),
    P(1611, "c", "Milagros", "Torres", "milagros@clinicasanborja.example", "+51987555142", "", "PE", "Lima", "Clínica San Borja", "lead", 0),
    P(1528, "h", "Ignacio", "Vergara", "ignacio@puertosur.example", "+56 9 5555 0150", "", "CL", "Valparaiso", "Puerto Sur Envíos", "opportunity", 0),
    P(1612, "l", "Antonia", "Fuentes", "antonia@puertosur.example", "9 5555 0151", "", "CL", "Valparaiso", "Puerto Sur Envíos", "lead", 0),
    P(1529, "h", "Gabriela", "Paredes", "gabriela@quitodigital.example", "+593 99 555 0160", "", "EC", "Quito", "Quito Digital", "subscriber", 0),
    # United States
    P(1530, "h", "Megan", "O'Connor", "megan@lonestarsolar.example", "512-555-0170", "", "US", "Austin", "Lone Star Solar", "salesqualifiedlead", 2),
    P(1531, "h", "Tyler", "Brooks", "tyler@lonestarsolar.example", "+1 (512) 555-0171", "", "US", "Austin", "Lone Star Solar", "customer", 2, "15125550171"),
    P(1532, "hc", "Priya", "Nair", "priya.nair@pacificrimdental.example", "415.555.0172", "+14155550173", "US", "San Francisco", "Pacific Rim Dental", "evangelist", 2),
    P(1613, "c", "Robert", "Chen", "robert.chen@pacificrimdental.example", "(415) 555-0174", "", "US", "San Francisco", "Pacific Rim Dental", "customer", 2),
    P(1614, "c", "Alicia", "Vega", "alicia@lonestarsolar.example", "+15125550175", "", "US", "Austin", "Lone Star Solar", "opportunity", 2),
    # Two people, one phone: a couple in HubSpot, a front desk in Salesforce
    P(1533, "h", "Pedro", "Luna", "pedro.luna@correo.example", "+57 301 555 0180", "", "CO", "Bogota", "", "lead", 0),
    P(1534, "h", "Inés", "Luna", "ines.luna@correo.example", "301 555 0180", "", "CO", "Bogota", "", "customer", 0),
    P(1615, "c", "Mónica", "Rey", "monica@clinicasanborja.example", "+51 987 555 190", "", "PE", "Lima", "Clínica San Borja", "customer", 0),
    P(1616, "c", "Óscar", "Rey", "oscar@clinicasanborja.example", "+51987555190", "", "PE", "Lima", "Clínica San Borja", "lead", 0),
    # A lead that became a contact: CONVERTED names both
    P(1617, "l", "Helena", "Castro", "helena@vinhosdosul.example", "+55 51 99555-0195", "", "BR", "Porto Alegre", "Vinhos do Sul", "opportunity", 1),
    P(1618, "c", "Helena", "Castro", "helena@vinhosdosul.example", "+55 51 99555-0195", "", "BR", "Porto Alegre", "Vinhos do Sul", "opportunity", 1),
)  # fmt: skip
CONVERTED = {1617: 1618}  # lead -> contact

QUOTES = "https://files.sandbox-store.example/quotes"
DEALS = (
    Deal(3001, "h", "Café del Valle - espresso line", "qualifiedtobuy", "4800", "USD", 1512, f"{QUOTES}/3001.pdf"),
    Deal(3002, "h", "Azteca Pintura - 3 branches", "qualifiedtobuy", "62000", "MXN", 1513, f"{QUOTES}/3002.pdf"),
    Deal(3003, "h", "Textiles Andinos - renewal", "closedwon", "9100000", "COP", 1514, f"{QUOTES}/3003.pdf"),
    Deal(3004, "h", "Logística del Bajío - pilot", "appointmentscheduled", "350", "USD", 1518),
    Deal(3005, "h", "Vinhos do Sul - season", "presentationscheduled", "18500.50", "BRL", 1521, f"{QUOTES}/3005.pdf"),
    Deal(3006, "h", "Lone Star Solar - rollout", "contractsent", "27000", "USD", 1530, f"{QUOTES}/3006.pdf"),
    Deal(4001, "s", "Padaria Souza - oven 2", "Prospecting", "12000", "BRL", 1601),
    Deal(4002, "s", "Estancia La Pampa - fleet", "Proposal/Price Quote", "45000", "USD", 1609),
    Deal(4003, "s", "Lone Star Solar - service", "Negotiation/Review", "8000", "USD", 1614),
    Deal(4004, "s", "Clínica San Borja - reminders", "Closed Won", "15000", "PEN", 1527),
)


def people_in(home: str) -> list[Person]:
    """Everybody kept in one place: h, c or l."""
    return [person for person in PEOPLE if home in person.home]


def deals_in(home: str) -> list[Deal]:
    """The deals of h (HubSpot) or s (Salesforce)."""
    return [deal for deal in DEALS if deal.home == home]
