//! Six words out of a handshake's hash, for two people to compare by voice.

/// Words that are hard to confuse when spoken. The position of each is part of the protocol.
#[rustfmt::skip]
const WORDS: [&str; 256] = [
    "acorn", "actor", "adobe", "agent", "album", "alley", "amber", "anchor",
    "angle", "ankle", "apple", "april", "apron", "arena", "armor", "arrow",
    "aspen", "atlas", "attic", "audio", "autumn", "bacon", "badge", "bagel",
    "baker", "balcony", "bamboo", "banana", "banjo", "barley", "barrel", "basil",
    "basket", "beacon", "beaver", "bench", "berry", "bishop", "bison", "blanket",
    "blossom", "bonnet", "border", "bottle", "bramble", "branch", "bread", "breeze",
    "brick", "bridge", "bronze", "broom", "bubble", "bucket", "buffalo", "bugle",
    "butter", "button", "cabin", "cable", "cactus", "camel", "camera", "canal",
    "candle", "canoe", "canyon", "captain", "caravan", "carbon", "cargo", "carpet",
    "carrot", "castle", "cedar", "cello", "cement", "chalk", "cherry", "chess",
    "chimney", "cider", "cinema", "circus", "citrus", "clover", "cobalt", "cocoa",
    "coffee", "comet", "compass", "copper", "coral", "corner", "cotton", "cradle",
    "crayon", "cricket", "crown", "crystal", "cymbal", "daisy", "dancer", "decade",
    "delta", "denim", "desert", "diamond", "diesel", "dinner", "dolphin", "domino",
    "donkey", "dragon", "drawer", "eagle", "echo", "eclipse", "elbow", "elephant",
    "ember", "emerald", "engine", "fabric", "falcon", "feather", "fender", "fiddle",
    "figure", "filter", "finger", "flame", "flute", "forest", "fossil", "fountain",
    "fridge", "galaxy", "garden", "garlic", "gazelle", "ginger", "giraffe", "glacier",
    "goblet", "granite", "gravel", "guitar", "hammer", "harbor", "harvest", "hazel",
    "helmet", "hermit", "hockey", "honey", "hotel", "hunter", "iceberg", "igloo",
    "indigo", "island", "ivory", "jacket", "jaguar", "jasmine", "jersey", "jigsaw",
    "jungle", "kayak", "kettle", "kitchen", "ladder", "lagoon", "lantern", "laser",
    "lemon", "leopard", "library", "lilac", "lizard", "lobster", "locket", "lotus",
    "magnet", "mango", "maple", "marble", "market", "meadow", "melon", "mirror",
    "mitten", "monkey", "morning", "mosaic", "mountain", "muffin", "museum", "napkin",
    "nectar", "needle", "nickel", "nutmeg", "oasis", "ocean", "octave", "olive",
    "onion", "orange", "orbit", "orchard", "otter", "oyster", "paddle", "palace",
    "panda", "paper", "parrot", "pebble", "pencil", "pepper", "piano", "pigeon",
    "pillow", "pilot", "planet", "plaza", "pocket", "polar", "poplar", "portal",
    "potato", "prairie", "pretzel", "pumpkin", "puzzle", "rabbit", "radar", "ribbon",
    "river", "robin", "rocket", "saddle", "salad", "salmon", "sandal", "satin",
    "scarf", "shovel", "silver", "spider", "spoon", "squirrel", "stadium", "sunset",
];

/// The words of the first six bytes: 48 bits, and an attacker has one try before two people compare them.
pub(super) fn six(hash: &[u8]) -> [&'static str; 6] {
    std::array::from_fn(|index| WORDS[usize::from(hash[index])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_stands_twice() {
        assert_eq!(std::collections::BTreeSet::from(WORDS).len(), WORDS.len());
    }

    #[test]
    fn the_words_of_a_hash_are_frozen() {
        assert_eq!(six(&[0, 1, 2, 253, 254, 255]).join(" "), "acorn actor adobe squirrel stadium sunset");
    }
}
