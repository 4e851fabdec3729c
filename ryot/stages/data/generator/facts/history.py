"""Facts of history. Source: Encyclopaedia Britannica, entries on the rulers, battles, persons and events named."""

from ryot.stages.data.generator.facts.chain import Chain
from ryot.stages.data.generator.facts.relation import Relation
from ryot.stages.data.generator.facts.riddle import riddles

# Land, house, first and last year of the reign.
_REIGNS = """William II,England,Norman,1087,1100;Henry I,England,Norman,1100,1135;Henry II,England,Plantagenet,1154,1189
Richard I,England,Plantagenet,1189,1199;John,England,Plantagenet,1199,1216;Henry III,England,Plantagenet,1216,1272
Edward I,England,Plantagenet,1272,1307;Edward III,England,Plantagenet,1327,1377;Richard II,England,Plantagenet,1377,1399
Henry IV,England,Lancaster,1399,1413;Henry V,England,Lancaster,1413,1422;Henry VII,England,Tudor,1485,1509
Henry VIII,England,Tudor,1509,1547
Edward VI,England,Tudor,1547,1553;Mary I,England,Tudor,1553,1558;Elizabeth I,England,Tudor,1558,1603;James I,England,Stuart,1603,1625
Charles I,England,Stuart,1625,1649;Charles II,England,Stuart,1660,1685;James II,England,Stuart,1685,1688
George I,Britain,Hanover,1714,1727;George II,Britain,Hanover,1727,1760;George III,Britain,Hanover,1760,1820
George IV,Britain,Hanover,1820,1830;William IV,Britain,Hanover,1830,1837;Victoria,Britain,Hanover,1837,1901
George V,Britain,Windsor,1910,1936;George VI,Britain,Windsor,1936,1952;Philip II,France,Capet,1180,1223;Louis IX,France,Capet,1226,1270
Philip IV,France,Capet,1285,1314;Louis XI,France,Valois,1461,1483;Charles VIII,France,Valois,1483,1498;Louis XII,France,Valois,1498,1515
Francis I,France,Valois,1515,1547;Louis XIII,France,Bourbon,1610,1643;Louis XIV,France,Bourbon,1643,1715;Louis XV,France,Bourbon,1715,1774
Louis XVI,France,Bourbon,1774,1792;Claudius,Rome,Julio-Claudian,41,54
Nero,Rome,Julio-Claudian,54,68;Titus,Rome,Flavian,79,81;Trajan,Rome,Antonine,98,117
Hadrian,Rome,Antonine,117,138;Ivan III,Russia,Rurikid,1462,1505;Ivan IV,Russia,Rurikid,1533,1584;Michael,Russia,Romanov,1613,1645
Catherine II,Russia,Romanov,1762,1796;Paul I,Russia,Romanov,1796,1801;Alexander I,Russia,Romanov,1801,1825
Nicholas I,Russia,Romanov,1825,1855;Alexander II,Russia,Romanov,1855,1881;Nicholas II,Russia,Romanov,1894,1917
Akbar,India,Mughal,1556,1605;Shah Jahan,India,Mughal,1628,1658
Christina,Sweden,Vasa,1632,1654"""
_ROWS = tuple(row.split(",") for line in _REIGNS.split("\n") for row in line.split(";"))
_PEOPLES = {
    "England": "English",
    "Britain": "British",
    "France": "French",
    "Rome": "Roman",
    "Russia": "Russian",
    "India": "Indian",
    "Turkey": "Turkish",
    "Sweden": "Swedish",
}
REIGNS = {name: (int(first), int(last)) for name, _, _, first, last in _ROWS}
"""Ruler to the first and the last year of the reign."""
RULERS = riddles(
    "A ruler by accession:",
    {
        name: (_PEOPLES[land], house, f"{int(first) // 100}00s" if int(first) > 99 else "before 100")
        for name, land, house, first, _ in _ROWS
    },
)

_VICTORS = {
    "Hastings": "William I", "Marathon": "Miltiades", "Gaugamela": "Alexander", "Zama": "Scipio", "Actium": "Octavian",
    "Agincourt": "Henry V",
    "Bosworth": "Henry VII", "Trafalgar": "Nelson", "Austerlitz": "Napoleon", "Waterloo": "Wellington", "Poltava": "Peter I",
    "Cannae": "Hannibal",
    "Mohacs": "Suleiman I", "Panipat": "Babur", "Pharsalus": "Caesar", "Rossbach": "Frederick II", "Yorktown": "Washington",
    "Plassey": "Clive",
    "Gettysburg": "Meade", "Naseby": "Fairfax", "Tsushima": "Togo",
}  # fmt: skip
_REACHED = {
    "Columbus": "the Bahamas", "da Gama": "India", "Cabot": "Newfoundland", "Tasman": "Tasmania", "Bering": "Alaska", "Cartier": "Quebec",
    "Amundsen": "South Pole", "Dias": "Cape of Good Hope", "Livingstone": "Victoria Falls", "Hillary": "Everest", "Cabral": "Brazil",
    "Cook": "Hawaii",
    "Cortes": "Mexico", "Pizarro": "Peru",
}  # fmt: skip
_INVENTED = {
    "Gutenberg": "movable type", "Whitney": "cotton gin", "Bell": "telephone", "Nobel": "dynamite", "Volta": "battery",
    "Hargreaves": "spinning jenny",
    "Arkwright": "water frame", "Crompton": "spinning mule", "Cartwright": "power loom", "Colt": "revolver", "Torricelli": "barometer",
    "Franklin": "lightning rod", "Stephenson": "Rocket engine", "Daguerre": "daguerreotype",
}  # fmt: skip
_LAWS = {"Hammurabi": "Babylon", "Solon": "Athens", "Lycurgus": "Sparta", "Justinian": "Byzantium", "Ashoka": "India"}
RELATIONS = (
    Relation("battle and victor", _VICTORS),
    Relation("explorer and goal", _REACHED),
    Relation("inventor and invention", _INVENTED),
    Relation("lawgiver and people's land", _LAWS),
)

_CHAINS = """July 1914>murder at Sarajevo>ultimatum>attack on Serbia>Russian army call>German war call
American revolt>tea tax>Boston Tea Party>harsh laws>congress
French Revolution>state debt>call of estates>tennis court oath>constitution
Reformation>sale of pardons>Luther's theses>Luther's ban>trial at Worms
Henry VIII>wish to remarry>break with Rome>oath to the king>More's death
Depression>Wall Street crash>recall of loans>lack of work>Nazi gains
Rome>march on Rome>civil war>Caesar's rule>Caesar's murder>revenge war
Ireland>potato rot>famine>flight of people>Irish Boston
Pacific war>oil ban>Pearl Harbor attack>US war entry>battle of Midway
Cuba 1962>missiles>blockade>secret deal>removal
Bohemia>broken letter>fall from a window>revolt>Thirty Years' War
Mongol age>Mongol rule>safe roads>Polo's journey>Polo's book
US 1860>Lincoln's election>secession>attack on a fort>civil war>end of slavery
First World War>submarine war>US war entry>fresh troops>German retreat
American colonies>stamp tax>boycott>repeal>new claim of power
Industry>flooded mines>steam pump>steam engine>steam mills>factory towns
England 1066>Edward's death>Harold's crowning>invasion>battle of Hastings>Norman rule
England>Black Death>lack of labour>higher wages>wage law>revolt of 1381
Crusade>lost battle>plea for help>pope's call>First Crusade>fall of Jerusalem
Second World War>invasion of Poland>British war call>army in France>flight from Dunkirk
Germany 1989>open border>flight of people>fall of the Wall>one Germany
China>loss of opium>Opium War>peace treaty>British Hong Kong
Japan>US ships>open ports>shogun's fall>reforms
Napoleon>march on Moscow>army's ruin>battle of Leipzig>exile"""
CHAINS: tuple[Chain, ...] = tuple(tuple(line.split(">")) for line in _CHAINS.split("\n"))
"""What it is about, then causes and effects as the entries tell them, each event the cause of the next."""

# What recurs, its first year, the interval, the last year of the unbroken run.
RECURRING = (
    ("US censuses", 1790, 10, 2020), ("US presidential elections", 1792, 4, 2020), ("British censuses", 1801, 10, 1931),
    ("Summer Olympics", 1948, 4, 2016), ("football World Cups", 1950, 4, 2022), ("Holy Years", 1475, 25, 1775), ("indiction cycles", 312,
    15, 1512),
    ("US midterm elections", 1914, 4, 2022), ("Indian censuses", 1881, 10, 2011), ("European elections", 1979, 5, 2019),
    ("Asian Games", 1954, 4, 2018), ("Commonwealth Games", 1950, 4, 2022), ("Mexican presidential elections", 1934, 6, 2018),
    ("Olympic Winter Games", 1948, 4, 1992), ("Irish censuses", 1821, 10, 1911),
)  # fmt: skip
