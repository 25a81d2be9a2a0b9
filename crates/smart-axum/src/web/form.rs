//! The forms on our own pages, as they come back.

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use http::request::Parts;

/// The field, and the parameter, that names the launch.
pub(super) const TAG_FIELD: &str = "tag";
/// The body of a form on one of our pages may be this long, in octets: it has three short fields.
pub const MAX_FORM_OCTETS: usize = 4 * 1024;

/// The fields of a form of ours; `None` where it is none, is too long, or has a field twice.
pub(super) fn fields(parts: &Parts, body: &[u8]) -> Option<BTreeMap<String, String>> {
    let content_type = parts.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        || body.len() > MAX_FORM_OCTETS
    {
        return None;
    }
    let mut fields = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(body) {
        if fields
            .insert(name.into_owned(), value.into_owned())
            .is_some()
        {
            return None;
        }
    }
    Some(fields)
}
