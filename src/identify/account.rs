//! The account behind a per-session id.

use crate::record::UserId;
use serde::Deserialize;
use std::borrow::Cow;

/// Returns the account part of an id that names a session too, as Claude Code sends them in `metadata.user_id`:
/// `user_{hash}_account_{uuid}_session_{uuid}`, or the same as a JSON object in a string. Where there is no account, it
/// is the device. `None` for any other id.
pub(super) fn of(id: &UserId) -> Option<UserId> {
    let account =
        if id.as_str().starts_with('{') { of_json(id.as_str())? } else { of_words(id.as_str())?.into() };
    UserId::new(&account).ok()
}

fn of_words(id: &str) -> Option<&str> {
    let (user_and_account, _session) = id.split_once("_session_")?;
    let (user, account) = user_and_account.split_once("_account_")?;
    let device = user.strip_prefix("user_")?;
    [account, device].into_iter().find(|part| !part.is_empty())
}

fn of_json(id: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct SessionId<'a> {
        #[serde(borrow, default)]
        account_uuid: Cow<'a, str>,
        #[serde(borrow, default)]
        device_id: Cow<'a, str>,
    }
    let parts: SessionId<'_> = serde_json::from_str(id).ok()?;
    [parts.account_uuid, parts.device_id].into_iter().find(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_one_account_become_one_user() {
        let account = |id| of(&UserId::new(id).unwrap()).map(|id| id.to_string());
        assert_eq!(account("user_ab12_account_77-88_session_1-2").as_deref(), Some("77-88"));
        assert_eq!(account("user_ab12_account_77-88_session_3-4").as_deref(), Some("77-88"));
        assert_eq!(account("user_ab12_account__session_3-4").as_deref(), Some("ab12"));
        let json = r#"{"device_id":"ab12","account_uuid":"77-88","session_id":"3-4"}"#;
        assert_eq!(account(json).as_deref(), Some("77-88"));
        assert_eq!(
            account(r#"{"device_id":"ab12","account_uuid":"","session_id":"3"}"#).as_deref(),
            Some("ab12")
        );
        for other in ["alice", "user_ab12", "a_session_b", "{}", "{not json"] {
            assert_eq!(account(other), None);
        }
    }
}
