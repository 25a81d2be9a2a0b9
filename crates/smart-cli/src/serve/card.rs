//! The card of whoever is at the screen.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use smart_axum::{BrowserSession, Profile};
use smart_oidc::UserProfile;
use smart_oidc::profile::{ImageType, Photo};

/// The card as the page shows it.
pub(super) struct Card {
    pub(super) name: String,
    /// The address of the photo; without one the initials stand in its place.
    pub(super) photo: Option<String>,
    pub(super) initials: String,
    /// Names and values.
    pub(super) rows: Vec<(&'static str, String)>,
    /// Why there is no more than the token says.
    pub(super) problem: Option<&'static str>,
}

impl Card {
    pub(super) fn new(user: &UserProfile, session: &BrowserSession) -> Self {
        let name = user.name.clone();
        let name = name.unwrap_or_else(|| "Somebody without a name".to_owned());
        let mut rows = Vec::new();
        let mut row = |what: &'static str, words: &[String]| {
            if !words.is_empty() {
                rows.push((what, words.join(", ")));
            }
        };
        let mut photo = None;
        if let Ok(card) = &user.resource {
            let is_clinician = user
                .fhir_user
                .as_ref()
                .is_some_and(|it| it.reference().starts_with("Practitioner"));
            match card.roles.is_empty() && is_clinician {
                true => row("Role", &["none that the EHR names".to_owned()]),
                false => row("Role", &card.roles),
            }
            row("Specialty", &card.specialties);
            row("Organisation", card.organization.as_slice());
            let learnt: Vec<String> = card
                .qualifications
                .iter()
                .map(|it| it.text.clone())
                .collect();
            row("Qualifications", &learnt);
            let npi: Vec<String> = card.npi().map(str::to_owned).into_iter().collect();
            row("NPI", &npi);
            // One that lies elsewhere is not shown: who keeps it would learn who looks.
            if still(card.photo.as_ref()).is_some() {
                photo = Some(session.path("photo"));
            }
        }
        let reference = user.fhir_user.as_ref().map(|it| it.reference());
        row("FHIR user", &reference.into_iter().collect::<Vec<_>>());
        row("Signed in by", &[user.issuer().to_owned()]);
        Self {
            initials: initials(&name),
            name,
            photo,
            rows,
            problem: user
                .resource
                .as_ref()
                .err()
                .map(smart_oidc::profile::ProfileError::code),
        }
    }
}

/// The first letters of the first and the last word, titles aside: those before the name end with a
/// full stop, those behind it stand after a comma.
fn initials(name: &str) -> String {
    let name = name.split(',').next().unwrap_or_default();
    let words = name.split_whitespace().filter(|it| !it.ends_with('.'));
    let mut letters = words.filter_map(|it| it.chars().find(|it| it.is_alphabetic()));
    let first = letters.next();
    first
        .into_iter()
        .chain(letters.next_back())
        .flat_map(char::to_uppercase)
        .collect()
}

/// A photo that the resource holds, of at most 64 KiB, and that does not move. SVG is never one.
fn still(photo: Option<&Photo>) -> Option<(ImageType, &[u8])> {
    match photo? {
        Photo::Inline { image_type, data } => {
            let kinds = [ImageType::Jpeg, ImageType::Png, ImageType::Webp];
            kinds
                .contains(image_type)
                .then_some((*image_type, data.as_slice()))
        }
        _ => None,
    }
}

/// `GET /s/{tag}/photo`: the photo of the card. What it is was told by its octets, and it runs nothing.
pub(super) async fn photo(_session: BrowserSession, Profile(user): Profile) -> Response {
    let photo = user.resource.as_ref().ok().and_then(|it| it.photo.as_ref());
    match still(photo) {
        Some((image_type, data)) => {
            let headers = [
                (CONTENT_TYPE, image_type.media_type()),
                (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
            ];
            (headers, Bytes::copy_from_slice(data)).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_name_and_not_of_a_title() {
        for (name, expected) in [
            ("Dr. Jane Q. Smith, MD", "JS"),
            ("Prince", "P"),
            ("  ", ""),
            ("<b>x</b> y", "BY"),
            ("د. سارة الخطيب", "سا"),
            ("ßeta", "SS"),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }
}
