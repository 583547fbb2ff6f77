//! What the handshake is made of, and nothing else.
//!
//! snow's own resolver decides at run time, so it keeps every hash that it knows in the program, and each browser would
//! load BLAKE2b for nobody.

use blake2::{Blake2s256, Digest as _};
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};

/// The primitives that [`super::PATTERN`] names.
pub(super) struct Primitives;

impl CryptoResolver for Primitives {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        DefaultResolver.resolve_rng()
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        matches!(choice, HashChoice::Blake2s).then(|| Box::<Blake2s>::default() as Box<dyn Hash>)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

/// BLAKE2s as Noise uses it.
#[derive(Default)]
struct Blake2s {
    hasher: Blake2s256,
}

impl Hash for Blake2s {
    fn name(&self) -> &'static str {
        "BLAKE2s"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        self.hasher = Blake2s256::new();
    }

    fn input(&mut self, data: &[u8]) {
        self.hasher.update(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        out[..32].copy_from_slice(&self.hasher.finalize_reset());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a hash makes of a few inputs, of a key and of Noise's key derivation.
    fn outputs(mut hash: Box<dyn Hash>) -> (&'static str, usize, usize, Vec<[u8; 32]>) {
        let mut all = Vec::new();
        for data in [&b""[..], b"abc", &[7; 200]] {
            let mut out = [0; 32];
            hash.reset();
            hash.input(data);
            hash.result(&mut out);
            all.push(out);
        }
        let [mut keyed, mut one, mut two, mut three] = [[0; 32]; 4];
        hash.hmac(b"key", b"data", &mut keyed);
        hash.hkdf(&[1; 32], &[2; 32], 3, &mut one, &mut two, &mut three);
        all.extend([keyed, one, two, three]);
        (hash.name(), hash.block_len(), hash.hash_len(), all)
    }

    #[test]
    fn the_hash_is_the_one_that_snow_brings() {
        let ours = Primitives.resolve_hash(&HashChoice::Blake2s).unwrap();
        let theirs = DefaultResolver.resolve_hash(&HashChoice::Blake2s).unwrap();
        assert_eq!(outputs(ours), outputs(theirs));
    }

    #[test]
    fn no_other_hash_is_there() {
        for choice in [HashChoice::Blake2b, HashChoice::SHA256, HashChoice::SHA512] {
            assert!(Primitives.resolve_hash(&choice).is_none(), "{choice:?}");
        }
    }
}
