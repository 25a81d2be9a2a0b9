//! People whose names and links are meant for readers that do not escape.

use serde_json::{Value, json};

use crate::user::{SandboxUser, UserType};

/// What is done to a reader, as the end of an id, and the name that does it.
fn names() -> [(&'static str, String); 7] {
    [
        (
            "markup",
            r#"<script>alert(1)</script><img src=x onerror=alert(1)> "'&amp;</title>"#.to_owned(),
        ),
        (
            "template",
            "{{7*7}} ${7*7} <%= 7*7 %> %s%n '; DROP TABLE users; --".to_owned(),
        ),
        (
            "formula",
            r#"=HYPERLINK("https://attacker.example","Click")"#.to_owned(),
        ),
        (
            "line-break",
            "Ada\r\nSet-Cookie: a=b\r\n\r\n<h1>Example</h1>".to_owned(),
        ),
        (
            "right-to-left",
            "\u{202e}elpmaxE adA\u{202c} \u{5d3}\u{5f4}\u{5e8} \u{5dc}\u{5d5}\u{5d9} \u{2067}\u{639}\u{644}\u{64a}"
                .to_owned(),
        ),
        (
            "emoji",
            "\u{1f468}\u{200d}\u{2695}\u{fe0f} Z\u{351}\u{36b}\u{343}a\u{32a}\u{34e}lgo \u{200b}\u{feff} \u{1d504}\u{1d521}\u{1d51e}"
                .to_owned(),
        ),
        ("long", "Wolfeschlegelsteinhausen".repeat(400)),
    ]
}

/// Where a photo or an address may lead, other than to a photo or a person.
const LINKS: [&str; 7] = [
    "javascript:alert(document.cookie)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "https://attacker.example/pixel.gif\" onerror=\"alert(1)",
];

/// All names of a resource are all of the hostile ones; its id and references stay.
pub(super) fn spoil_names(resource: &mut Value) {
    let names: Vec<Value> = names()
        .iter()
        .map(|(_, it)| json!({ "text": it, "family": it, "given": [it], "prefix": [it] }))
        .collect();
    let Some(members) = resource.as_object_mut() else {
        return;
    };
    let [(_, markup), ..] = self::names();
    if members.contains_key("practitioner") {
        members.insert("code".to_owned(), json!([{ "text": markup }]));
        return;
    }
    members.insert("name".to_owned(), names.into());
    members.insert(
        "qualification".to_owned(),
        json!([{ "code": { "text": markup, "coding": [{ "code": markup, "display": markup }] } }]),
    );
}

/// Photos and addresses of a resource lead elsewhere.
pub(super) fn spoil_links(resource: &mut Value) {
    let Some(members) = resource.as_object_mut() else {
        return;
    };
    let photos = LINKS.map(|it| json!({ "contentType": "image/png", "url": it }));
    let pixel =
        json!({ "contentType": "text/html", "data": "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==" });
    let photos: Vec<Value> = photos.into_iter().chain([pixel]).collect();
    let telecom = LINKS.iter().flat_map(|it| {
        ["url", "email", "phone"].map(|system| json!({ "system": system, "value": it }))
    });
    members.insert("photo".to_owned(), photos.into());
    members.insert("telecom".to_owned(), telecom.collect());
}

/// A clinician of each name, and one of hostile links.
pub(crate) fn users() -> Vec<SandboxUser> {
    let named = names().map(|(what, name)| clinician(what, &name));
    let mut linked = clinician("links", "Dr. Lin K. Example");
    let mut resource = linked.resource();
    spoil_links(&mut resource);
    linked = linked.with_resource(resource);
    named.into_iter().chain([linked]).collect()
}

fn clinician(what: &str, name: &str) -> SandboxUser {
    let id = format!("hostile-{what}");
    SandboxUser::new(UserType::Practitioner, id.as_str(), id.as_str(), name)
        .with_resource(json!({ "active": true, "name": [{ "text": name, "family": name }] }))
}

/// A patient of each name, and one of hostile links.
pub(crate) fn patients() -> Vec<Value> {
    let patient = |(what, name): (&str, String)| {
        json!({
            "resourceType": "Patient",
            "id": format!("hostile-{what}"),
            "active": true,
            "identifier": [{ "system": "urn:oid:2.999.1", "value": name }],
            "name": [{ "text": name, "family": name, "given": [name] }],
            "gender": "unknown",
            "birthDate": "1970-01-01"
        })
    };
    let mut linked = patient(("links", "Lin K. Example".to_owned()));
    spoil_links(&mut linked);
    names().into_iter().map(patient).chain([linked]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Resource;

    #[test]
    fn the_people_are_sound_resources_of_unsound_names() {
        let users = users();
        assert_eq!(users.len(), patients().len());
        for (user, patient) in users.iter().zip(patients()) {
            assert_eq!(user.problem(), None);
            assert_eq!(user.resource()["id"], patient["id"]);
            assert!(Resource::of(user.resource()).is_some() && Resource::of(patient).is_some());
        }
        assert!(users[0].name.contains("<script>"));
        assert_eq!(users[7].resource()["photo"].as_array().unwrap().len(), 8);
        let ids: std::collections::BTreeSet<_> = users.iter().map(|it| &it.id).collect();
        assert_eq!(ids.len(), users.len());
    }

    #[test]
    fn who_is_spoilt_stays_who_it_is() {
        let mut user = SandboxUser::default().resource();
        let before = user.clone();
        spoil_names(&mut user);
        spoil_links(&mut user);
        assert_eq!(
            (&user["id"], &user["gender"]),
            (&before["id"], &before["gender"])
        );
        assert!(
            user["name"][0]["family"]
                .as_str()
                .unwrap()
                .contains("<script>")
        );
        assert!(user["telecom"].to_string().contains("javascript:"));
    }
}
