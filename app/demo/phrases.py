"""The words of the demo history: one theme per kind of image.

Every image draws one phrase per slot, and all that is said about the image is built from that draw. Slots that
every theme knows besides: `serial`, `number`, `price`, `cold` (a negative temperature), `due` (a date), `hour`,
`phone`.
"""

from typing import NamedTuple


class Rule(NamedTuple):
    statement: str
    met: str
    broken: str


class Theme(NamedTuple):
    name: str
    weight: int
    slots: dict[str, tuple[str, ...]]
    descriptions: tuple[str, ...]
    extractions: tuple[str, ...]
    rules: tuple[Rule, ...]
    tags: tuple[str, ...]
    sites: tuple[str, ...] = ()


STREETS = Theme(
    "streets",
    17,
    {
        "vehicle": (
            "a red tram",
            "a delivery van",
            "a cargo bike",
            "an old bus",
            "a silver taxi",
            "a street sweeper",
            "an electric scooter",
        ),
        "place": (
            "a narrow shopping street",
            "a busy crossing",
            "a cobbled square",
            "the ring road",
            "a quiet avenue",
            "a tree-lined boulevard",
        ),
        "people": (
            "two cyclists",
            "a woman with an umbrella",
            "a group of school children",
            "a man walking his dog",
            "an elderly couple",
            "a postman",
        ),
        "weather": ("in light rain", "under a grey sky", "in the evening sun", "after dark", "in thin morning fog"),
    },
    (
        "{vehicle} passing {people} on {place} {weather}.",
        "{people} waiting for {vehicle} at the kerb of {place}, {weather}.",
        "{place} {weather}: {vehicle} has stopped in the right lane, with {people} on the pavement.",
        "street scene with {vehicle} in the foreground, behind it {people}, shop fronts and a row of plane trees.",
        "{people} crossing {place} {weather}, while {vehicle} gives way.",
        'a sign above {place} reads "Slow down, children crossing"; {vehicle} approaches {weather}.',
    ),
    (
        "Rue de l'Église\nPlace de la République →",
        "Café Zürich, geöffnet bis {hour} Uhr",
        "NO PARKING Mon-Fri 7-{hour} h, fine £{price}",
        "Linie {number} · Südbahnhof",
        "出口 Exit {number}",
        "Plate {serial}",
    ),
    (
        Rule("The crossing is free of parked cars", "Nothing stands within ten metres.", "{vehicle} blocks the kerb."),
        Rule(
            "The pavement is clear", "{people}, walking without a detour.", "Bins and a bicycle narrow it to a metre."
        ),
    ),
    ("street", "traffic", "outdoor", "people", "vehicle", "sign"),
    ("Station square", "Harbour bridge", "Ring road east"),
)

ANIMALS = Theme(
    "animals",
    17,
    {
        "animal": (
            "a brown dog",
            "a black and white dog",
            "a young sheepdog",
            "an old dog with a grey muzzle",
            "a small dog",
            "a wet dog",
            "a ginger cat",
            "a grey horse",
            "a white goat",
            "a donkey",
        ),
        "act": (
            "looking straight into the camera",
            "shaking off water",
            "dozing with one ear up",
            "turning its head away",
            "standing very still",
            "jumping over a fallen branch",
            "running at full speed",
        ),
        "place": (
            "on a sandy beach",
            "in tall grass",
            "beside a wooden fence",
            "in front of a barn",
            "in fresh snow",
            "on a gravel drive",
        ),
        "extra": (
            "a chewed tennis ball",
            "a blue collar",
            "a muddy puddle",
            "a child's red boot",
            "a tin bowl",
            "a coiled rope",
        ),
    },
    (
        "{animal} {act} {place}.",
        "{animal} {place}, with {extra} close by.",
        "close-up of {animal} {act}; the background is blurred, only {extra} can be made out.",
        "{animal}, {act}, {place}. In front of it lies {extra}.",
        "photo of {animal} {place}, taken from a low angle.",
        "{animal} and its owner {place}, both of them seen from behind, and {extra} on the ground.",
        "{animal} {act} {place} 🐾",
        'next to {animal} a hand-painted board says "Beware of the dog (he is very friendly)".',
    ),
    ("BELLA\n{phone}", "{phone}", "Chip no. {serial}", "Hundeschule Grünwald, Kurs {number}"),
    (Rule("The animal is on a lead", "The lead is visible and held.", "{animal}, no lead in sight."),),
    ("animal", "portrait", "outdoor", "close-up", "playful"),
)

LANDSCAPES = Theme(
    "landscapes",
    15,
    {
        "mountain": (
            "a snow-capped mountain",
            "a steep mountain ridge",
            "a mountain range in blue haze",
            "a lone mountain with a flat top",
            "a mountain half hidden by clouds",
            "a bare, reddish mountain",
        ),
        "front": (
            "a turquoise lake",
            "a meadow full of wild flowers",
            "a stony path",
            "a dark spruce forest",
            "a wooden hut with a smoking chimney",
            "a herd of grazing cows",
        ),
        "light": (
            "at sunrise",
            "in clear midday light",
            "shortly before a storm",
            "in the last light of the day",
            "in winter",
        ),
        "detail": (
            "two hikers with red backpacks",
            "a small chapel",
            "an eagle high above",
            "a cable car station",
            "a dry stone wall",
        ),
    },
    (
        "a mountain landscape {light}: {front} in the foreground, {mountain} behind it.",
        "{mountain} rising above {front} {light}.",
        "wide landscape with {front}, on the left {detail}, in the distance {mountain}.",
        "{mountain}, mirrored in still water {light}, with {detail} to give the landscape its scale.",
        "panorama of an alpine valley {light}, with {front}, {detail} and {mountain}.",
        "{detail}, {front}, and above it all {mountain}.",
    ),
    (
        "Refuge du Goûter, 3 835 m\n2 h {number} min",
        "{cold} °C on the display of the weather station",
        "Wanderweg {number} · Alpe Grün 1¾ Std.",
        "Gipfel 23{number} m ü. M.",
    ),
    (),
    ("landscape", "mountain", "nature", "outdoor", "sky", "panorama"),
)

KITCHENS = Theme(
    "kitchens",
    13,
    {
        "cook": (
            "a cook in a white jacket",
            "two kitchen hands",
            "the head chef",
            "a young woman with a striped apron",
            "a trainee",
        ),
        "dish": (
            "crème brûlée",
            "a tray of roast vegetables",
            "jalapeño poppers",
            "fresh tagliatelle",
            "a pot of soup",
            "a stack of pancakes",
        ),
        "tool": ("a steel worktop", "a gas range", "a wooden chopping board", "the serving hatch", "a deep sink"),
        "extra": (
            "copper pans on a rail",
            "steam on the window",
            "a wet floor",
            "a radio on a shelf",
            "a knife block",
        ),
    },
    (
        "{cook} at {tool}, preparing {dish}.",
        "{dish} next to {tool}; in the background {extra}.",
        "a narrow restaurant kitchen with {cook} at work, {extra}, and {dish} ready to be served.",
        "overhead view of {tool} with {dish}, knives, a towel and three small bowls.",
        "{cook} tasting {dish}, behind them {tool} and {extra}.",
        'a note taped above {tool} says "Label it, date it, or bin it", in capital letters.',
    ),
    (
        "{cold} °C on the display",
        "Crème fraîche\nBest before {due}",
        "LOT {serial}\nUSE BY {due}\nKEEP REFRIGERATED",
        '"Plat du jour": {price} €',
        "Batch {serial}, opened {due}",
        "Fritteuse {number} · Öl gewechselt",
    ),
    (
        Rule("The freezer is at -18 °C or colder", "The display shows -19.2 °C.", "The display shows {cold} °C."),
        Rule("Everyone wears a hairnet", "{cook}: hair covered.", "{cook}: hair uncovered at {tool}."),
        Rule("Raw and cooked food are kept apart", "Separate trays, both labelled.", "{dish} right below raw chicken."),
    ),
    ("kitchen", "food", "hygiene", "indoor", "label"),
    ("Canteen", "Cold store", "Bakery"),
)

SAFETY = Theme(
    "safety",
    18,
    {
        "worker": (
            "three workers",
            "a man in a yellow vest",
            "a surveyor",
            "two electricians",
            "a forklift driver",
            "a woman with a clipboard",
        ),
        "place": (
            "the loading bay",
            "the scaffold",
            "the stairwell",
            "the excavation",
            "the north gate",
            "the roof edge",
        ),
        "gear": (
            "hard hats on hooks",
            "a fire extinguisher on the wall",
            "a box of safety goggles",
            "a first-aid cabinet",
            "ear protection on a rack",
            "a harness and two ropes",
        ),
        "load": ("stacked pallets", "a bundle of steel bars", "drums with a flame symbol", "a coil of cable", "timber"),
    },
    (
        "{worker} at {place}; safety equipment in view: {gear}.",
        "building site, {place}: {load} in the middle, {worker} on the left.",
        "warehouse interior with {load} along the wall, {worker} near {place}, and worn floor markings.",
        "{worker} checking {load}; the nearest safety equipment is {gear}.",
        "{gear}, beside it {load}. The safety sign next to it is partly covered.",
        "{worker} walking past {load} towards {place}.",
        'a poster at {place} reads "Safety first: {number} days without an accident 🎉".',
    ),
    (
        "S/N {serial}",
        "Equipment no. {serial}\nNext inspection {due}",
        "SWL {number}0 kg",
        "Emergency assembly point {number}",
        "{phone} (site safety)",
        "Achtung! Zutritt für Unbefugte verboten",
    ),
    (
        Rule(
            "Everyone wears a hard hat", "{worker} near {place}, all helmets on.", "One person at {place}, no helmet."
        ),
        Rule("Escape routes are kept clear", "The way past {place} is free.", "{load} in front of the exit."),
        Rule("Safety equipment is in its place", "Seen: {gear}.", "The bracket at {place} is empty."),
        Rule("No one stands under a raised load", "The area is fenced off.", "{worker} directly below {load}."),
    ),
    ("safety", "equipment", "ppe", "warehouse", "building-site", "people"),
    ("North gate", "Loading bay 2", "Tower crane", "Hall C"),
)

SHELVES = Theme(
    "shelves",
    14,
    {
        "goods": (
            "tins of tomatoes",
            "oat milk",
            "washing powder",
            "jars of honey",
            "dog food",
            "batteries",
            "rye bread",
            "olive oil",
        ),
        "state": ("neatly faced", "half sold out", "in the wrong place", "stacked two deep", "all but sold out"),
        "place": (
            "the third shelf",
            "the end of the aisle",
            "the cooled section",
            "a promotional stand by the till",
            "the top shelf",
        ),
        "extra": (
            "a hand-written price tag",
            "a torn box",
            "a shopping basket on the floor",
            "a yellow offer label",
            "an empty hook",
        ),
    },
    (
        "shop shelf with {goods}, {state}, and {extra} below.",
        "{goods} on {place}, {state}.",
        "{place} of a supermarket, in the middle {goods}, to the right {extra}.",
        "customer's view of {place}: {goods}, {state}, readable price labels, even lighting.",
        "{goods}, {state}, photographed at {place} together with {extra}.",
        "a shop assistant filling up {goods} at {place}.",
    ),
    (
        "{goods} € {price}",
        "-{number} % on {goods}",
        "SKU {serial}",
        '"Buy 2, pay 1", until {due}',
        "Señorío de Añejo, 0,75 l, {price} €",
        "{goods}, art. {serial}",
    ),
    (
        Rule("The shelf has no gap", "{goods}: fully stocked.", "{goods}: {state}, gap of about {number} cm."),
        Rule("Every product has a price label", "All labels present.", "No label under {goods}."),
    ),
    ("retail", "shelf", "product", "price", "indoor"),
    ("Aisle 3", "Checkout"),
)

DOCUMENTS = Theme(
    "documents",
    6,
    {
        "paper": ("a delivery note", "an invoice", "a hand-written letter", "a printed form", "a page from a manual"),
        "state": ("slightly creased", "with a coffee stain", "photographed at an angle", "well lit and flat"),
        "mark": ("a round company stamp", "a signature in blue ink", "a barcode", "a paper clip", "a crossed-out line"),
    },
    (
        "{paper}, {state}, with {mark} in the lower corner.",
        "scan of {paper}: three columns, a total at the end, and {mark}.",
        "{paper} on a desk, {state}, half covered by a keyboard.",
        "{mark} at the edge of {paper}.",
        "=SUM printed on a whiteboard, and beside it {paper} held by a magnet.",
        'the heading says "Notice of delivery"; below it a table,\nthen {mark}.',
    ),
    (
        "Invoice {serial}, due {due}, total € {price}",
        "=SUM(B2:B{number})",
        "-{price} (credit note)",
        "@ Zoë Müller, Straße des 17. Juni {number}",
        "Name: Łukasz Żak\nDate: {due}\nTotal: {price} zł",
    ),
    (Rule("The document is signed", "Found: a signature and {mark}.", "The signature field is blank."),),
    ("document", "text", "scan", "table"),
)

THEMES = (STREETS, ANIMALS, LANDSCAPES, KITCHENS, SAFETY, SHELVES, DOCUMENTS)

CLOSINGS = (
    "The picture is slightly blurred.",
    "No faces can be recognised.",
    "The light comes from the left.",
    "The right half is in shadow.",
    "Colours are muted, contrast is low.",
    "A reflection covers the upper corner.",
    "Nothing else stands out.",
)

ERRORS = (
    "The image could not be decoded.",
    "The image address answered 404.",
    "The image is larger than 20 MB.",
    "The model did not answer within 30 seconds.",
)
UNREACHABLE = ERRORS[:2]
"""Of an image that nobody has seen."""

REVIEWERS = ("maren.holt", "t.okafor", "lucía.ferrer", "j.lindqvist")
