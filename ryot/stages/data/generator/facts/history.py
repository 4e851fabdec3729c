"""Facts of history. Source: Encyclopaedia Britannica, entries on the rulers, battles, persons and events named."""

from ryot.stages.data.generator.facts.chain import Chain
from ryot.stages.data.generator.facts.relation import Relation
from ryot.stages.data.generator.facts.riddle import riddles

# Land, house, first and last year of the reign.
_REIGNS = """William II,England,Norman,1087,1100;Henry I,England,Norman,1100,1135;Henry II,England,Plantagenet,1154,1189
Richard I,England,Plantagenet,1189,1199;John,England,Plantagenet,1199,1216;Henry III,England,Plantagenet,1216,1272
Edward I,England,Plantagenet,1272,1307;Edward III,England,Plantagenet,1327,1377;Richard II,England,Plantagenet,1377,1399
Henry IV,England,Lancaster,1399,1413;Henry V,England,Lancaster,1413,1422;Henry VII,England,Tudor,1485,1509;Henry VIII,England,Tudor,1509,1547
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
REIGNS = {name: (int(first), int(last)) for name, _, _, first, last in _ROWS}
"""Ruler to the first and the last year of the reign."""
RULERS = riddles(
    "A ruler:",
    {
        name: (f"of {land}", f"a {house}" if house[0] not in "AO" else f"an {house}", f"from the {int(first) // 100}00s" if int(first) > 99 else "from before 100")
        for name, land, house, first, _ in _ROWS
    },
)

_VICTORS = {
    "Hastings": "William I", "Marathon": "Miltiades", "Gaugamela": "Alexander", "Zama": "Scipio", "Actium": "Octavian", "Agincourt": "Henry V",
    "Bosworth": "Henry VII", "Trafalgar": "Nelson", "Austerlitz": "Napoleon", "Waterloo": "Wellington", "Poltava": "Peter I", "Cannae": "Hannibal",
    "Mohacs": "Suleiman I", "Panipat": "Babur", "Pharsalus": "Caesar", "Rossbach": "Frederick II", "Yorktown": "Washington", "Plassey": "Clive",
    "Gettysburg": "Meade", "Naseby": "Fairfax", "Tsushima": "Togo",
}  # fmt: skip
_REACHED = {
    "Columbus": "the Bahamas", "da Gama": "India", "Cabot": "Newfoundland", "Tasman": "Tasmania", "Bering": "Alaska", "Cartier": "Quebec",
    "Amundsen": "South Pole", "Dias": "Cape of Good Hope", "Livingstone": "Victoria Falls", "Hillary": "Everest", "Cabral": "Brazil", "Cook": "Hawaii",
    "Cortes": "Mexico", "Pizarro": "Peru",
}  # fmt: skip
_INVENTED = {
    "Gutenberg": "movable type", "Whitney": "cotton gin", "Bell": "telephone", "Nobel": "dynamite", "Volta": "battery", "Hargreaves": "spinning jenny",
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

_CHAINS = """Sarajevo murder>Austria's ultimatum>war on Serbia>Russia's mobilisation>Germany's war declaration
Tea Act>Boston Tea Party>Coercive Acts>Continental Congress
France's state debt>Estates-General>Tennis Court Oath>constitution of 1791
sale of indulgences>Luther's theses>Luther's excommunication>Diet of Worms>Luther's hiding at the Wartburg
Henry VIII's wish to remarry>break with Rome>Act of Supremacy>More's execution
Wall Street crash>recall of US loans>German mass unemployment>Nazi gains of 1932
Caesar's crossing of the Rubicon>Roman civil war>Caesar's dictatorship>Ides of March>Second Triumvirate
potato blight>Irish famine>Irish mass emigration>Irish quarters in Boston
oil embargo on Japan>Pearl Harbor attack>America's entry into the war>Normandy landing
Soviet missiles on Cuba>US naval blockade>Kennedy-Khrushchev deal>missiles' removal
Defenestration of Prague>Bohemian Revolt>Thirty Years' War>Peace of Westphalia
Mongol conquests>Mongol peace>Marco Polo's journey>Polo's book of travels
Lincoln's election>South's secession>attack on Fort Sumter>Civil War>end of US slavery
unrestricted submarine war>America's entry in 1917>fresh Allied troops>German retreat of 1918
Stamp Act>colonial boycott>repeal of 1766>Declaratory Act
flooded mines>Newcomen's engine>Watt's engine>steam mills>factory towns
Edward the Confessor's death>Harold's crowning>William's invasion>Battle of Hastings>Norman rule
Black Death>shortage of labour>higher wages>Statute of Labourers>revolt of 1381
defeat at Manzikert>Byzantium's plea for help>Council of Clermont>First Crusade>fall of Jerusalem
invasion of Poland>Britain's war declaration>British force in France>Dunkirk evacuation
Hungary's open border>flight of East Germans>fall of the Berlin Wall>German reunification
opium seizures at Canton>First Opium War>Treaty of Nanking>British rule of Hong Kong
Perry's black ships>Japan's opening>shogun's fall>Meiji reforms
march on Moscow>Grand Army's ruin>Battle of Leipzig>Napoleon's exile to Elba"""
CHAINS: tuple[Chain, ...] = tuple(tuple(line.split(">")) for line in _CHAINS.split("\n"))
"""Causes and effects as the entries tell them, each event the cause of the next."""

# What recurs, its first year, the interval, the last year of the unbroken run.
RECURRING = (
    ("US censuses", 1790, 10, 2020), ("US presidential elections", 1792, 4, 2020), ("British censuses", 1801, 10, 1931),
    ("Summer Olympics", 1948, 4, 2016), ("football World Cups", 1950, 4, 2022), ("Holy Years", 1475, 25, 1775), ("indiction cycles", 312, 15, 1512),
    ("US midterm elections", 1914, 4, 2022), ("Indian censuses", 1881, 10, 2011), ("European elections", 1979, 5, 2019),
    ("Asian Games", 1954, 4, 2018), ("Commonwealth Games", 1950, 4, 2022), ("Mexican presidential elections", 1934, 6, 2018),
    ("Olympic Winter Games", 1948, 4, 1992), ("Irish censuses", 1821, 10, 1911),
)  # fmt: skip
