//! Taking a person out of records that are stored.

use super::codec::write_string;
use super::{RecordError, UserId};
use crate::json::{Reader, Unexpected};

/// One person's id and what takes its place.
#[derive(Clone, Debug)]
pub(crate) struct Pseudonym {
    user: UserId,
    /// Both as JSON, the user's without the quotes.
    needle: Vec<u8>,
    replacement: Vec<u8>,
    pseudonym: UserId,
}

impl Pseudonym {
    /// Creates a random pseudonym for `user`.
    pub(crate) fn random(user: &UserId) -> Option<Self> {
        let pseudonym = UserId::verbatim(&format!("forgotten-{}", uuid::Uuid::new_v4())).ok()?;
        let json = |id: &UserId| {
            let mut json = Vec::new();
            write_string(&mut json, id.as_str());
            json
        };
        let needle = json(user).get(1..).map(|rest| rest.strip_suffix(b"\"").unwrap_or(rest).to_vec())?;
        Some(Self { user: user.clone(), needle, replacement: json(&pseudonym), pseudonym })
    }

    /// Returns the id that replaces the user's.
    pub(crate) fn id(&self) -> &UserId {
        &self.pseudonym
    }

    /// Returns whether the user's id occurs in a text that cannot be read as a record.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        memchr::memmem::find(text, &self.needle).is_some()
    }

    /// Rewrites the record `json` without the person: the id is replaced, session and properties left out, the rest as it was,
    /// unknown keys included. `None` when the record is another's.
    pub(crate) fn apply(&self, json: &[u8]) -> Result<Option<Vec<u8>>, RecordError> {
        let text = std::str::from_utf8(json).map_err(|_| RecordError::from(Unexpected))?;
        let mut out = Vec::with_capacity(text.len());
        let mut theirs = false;
        let mut reader = Reader::new(text);
        reader.object::<RecordError>(|reader, key| {
            let mut value = reader.skip()?.as_bytes();
            if key == "user" {
                let id = serde_json::from_slice::<String>(value);
                if id.is_ok_and(|id| id == self.user.as_str()) {
                    theirs = true;
                    value = &self.replacement;
                }
            }
            if !matches!(key, "session" | "properties" | "properties_dropped") {
                out.push(if out.is_empty() { b'{' } else { b',' });
                write_string(&mut out, key);
                out.push(b':');
                out.extend_from_slice(value);
            }
            Ok(())
        })?;
        out.push(b'}');
        if reader.is_done() { Ok(theirs.then_some(out)) } else { Err(Unexpected.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Pseudonym {
        Pseudonym::random(&UserId::new("alice").unwrap()).unwrap()
    }

    #[test]
    fn the_id_is_replaced_however_it_is_spelt_and_all_but_the_personal_stays() {
        let alice = alice();
        let json = br#"{"v":1,"user":"\u0061lice","session":"s","cost_usd":0.10,"properties":{"n":"alice"},"new":[1, 2]}"#;
        let out = String::from_utf8(alice.apply(json).unwrap().unwrap()).unwrap();
        assert_eq!(out, format!(r#"{{"v":1,"user":"{}","cost_usd":0.10,"new":[1, 2]}}"#, alice.id()));
    }

    #[test]
    fn the_records_of_others_are_left_alone() {
        for json in [r#"{"user":"alice2"}"#, r#"{"user":null,"model":"alice"}"#, "{}"] {
            assert_eq!(alice().apply(json.as_bytes()), Ok(None));
        }
        for bad in ["", "{", "{}x", "[\"alice\"]"] {
            assert!(alice().apply(bad.as_bytes()).is_err());
        }
    }

    #[test]
    fn a_pseudonym_is_another_one_each_time() {
        assert_ne!(alice().id(), alice().id());
        assert!(alice().is_in(b"..alice..") && !alice().is_in(b"..bob.."));
    }
}
