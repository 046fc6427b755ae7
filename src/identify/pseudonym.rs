//! Keyed pseudonyms.

use super::Pseudonymizer;
use crate::record::UserId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::Write;
use std::sync::Arc;

/// Replaces an id by its HMAC-SHA-256 (RFC 2104) under `key`, in lower-case hexadecimal: the same id is the same
/// pseudonym, and without the key nobody can tell whose it is by trying ids.
pub(crate) fn pseudonymizer(key: &[u8]) -> Pseudonymizer {
    // A key of any length is a key for HMAC: the error is for other constructions. Were it to happen, no id is kept.
    let keyed = Hmac::<Sha256>::new_from_slice(key).ok();
    Arc::new(move |id| {
        let mut mac = keyed.clone()?;
        mac.update(id.as_str().as_bytes());
        let mut hex = String::with_capacity(64);
        for byte in mac.finalize().into_bytes() {
            write!(hex, "{byte:02x}").ok()?;
        }
        UserId::new(&hex).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_the_hmac_of_the_id() {
        // RFC 4231, test case 2.
        let pseudonym =
            pseudonymizer(b"Jefe")(&UserId::new("what do ya want for nothing?").unwrap()).unwrap();
        assert_eq!(pseudonym.as_str(), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
