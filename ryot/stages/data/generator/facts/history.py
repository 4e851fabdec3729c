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
Louis XVI,France,Bourbon,1774,1792;Tiberius,Rome,Julio-Claudian,14,37;Caligula,Rome,Julio-Claudian,37,41;Claudius,Rome,Julio-Claudian,41,54
Nero,Rome,Julio-Claudian,54,68;Vespasian,Rome,Flavian,69,79;Titus,Rome,Flavian,79,81;Domitian,Rome,Flavian,81,96;Trajan,Rome,Antonine,98,117
Hadrian,Rome,Antonine,117,138;Ivan III,Russia,Rurikid,1462,1505;Ivan IV,Russia,Rurikid,1533,1584;Michael,Russia,Romanov,1613,1645
Catherine II,Russia,Romanov,1762,1796;Paul I,Russia,Romanov,1796,1801;Alexander I,Russia,Romanov,1801,1825
Nicholas I,Russia,Romanov,1825,1855;Alexander II,Russia,Romanov,1855,1881;Nicholas II,Russia,Romanov,1894,1917
Babur,India,Mughal,1526,1530;Akbar,India,Mughal,1556,1605;Jahangir,India,Mughal,1605,1627;Shah Jahan,India,Mughal,1628,1658
Aurangzeb,India,Mughal,1658,1707;Mehmed II,Turkey,Ottoman,1451,1481;Selim I,Turkey,Ottoman,1512,1520;Suleiman I,Turkey,Ottoman,1520,1566
Gustav Vasa,Sweden,Vasa,1523,1560;Christina,Sweden,Vasa,1632,1654"""
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
    "A ruler:",
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

_CHAINS = """July 1914>Sarajevo murder>Austrian ultimatum>attack on Serbia>Russian mobilisation>German war declaration
American revolt>Tea Act>Boston Tea Party>Coercive Acts>Continental Congress
French Revolution>state debt>Estates-General>Tennis Court Oath>constitution
Reformation>sale of indulgences>Luther's theses>excommunication>Diet of Worms
English Reformation>wish to remarry>break with Rome>Act of Supremacy>More's execution
Great Depression>Wall Street crash>recall of loans>German unemployment>Nazi gains
Rome>crossing of the Rubicon>civil war>Caesar's dictatorship>Ides of March>Triumvirate
Ireland>potato blight>famine>emigration>Irish quarters in Boston
Pacific war>oil embargo>Pearl Harbor attack>US war entry>Battle of Midway
Cuba 1962>Soviet missiles>US blockade>secret deal>missiles' removal
Bohemia>Defenestration of Prague>Bohemian revolt>Thirty Years' War>Peace of Westphalia
Mongol age>Mongol conquests>safe roads>Marco Polo's journey>Polo's book
US Civil War>Lincoln's election>secession>attack on Fort Sumter>civil war>end of slavery
First World War>submarine war>US war entry>fresh troops>German retreat
American colonies>Stamp Act>boycott>repeal>Declaratory Act
Industry>flooded mines>Newcomen's engine>Watt's engine>steam mills>factory towns
England 1066>Edward's death>Harold's crowning>William's invasion>Battle of Hastings>Norman rule
England>Black Death>lack of labour>higher wages>Statute of Labourers>revolt of 1381
Crusade>defeat at Manzikert>plea for help>Council of Clermont>First Crusade>fall of Jerusalem
Second World War>invasion of Poland>British war declaration>army in France>Dunkirk evacuation
Germany 1989>Hungary's open border>flight of Germans>fall of the Wall>reunification
China>opium seizures>Opium War>Treaty of Nanking>British Hong Kong
Japan>Perry's ships>opening of ports>shogun's fall>Meiji reforms
Napoleon>march on Moscow>army's ruin>Battle of Leipzig>exile to Elba"""
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
