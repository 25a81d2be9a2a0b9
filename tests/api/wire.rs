//! What goes over the wire in a launch, told so that two launches can be compared: what differs in
//! each of them by chance is told by its form.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use smart_oidc::jose::base64url;

/// Members that are new in each launch.
const BY_CHANCE: [&str; 13] = [
    "access_token",
    "at_hash",
    "code",
    "kid",
    "launch",
    "n",
    "nonce",
    "refresh_token",
    "signature",
    "state",
    "x",
    "y",
    "location",
];

/// Headers that say when and how long, and not what.
const NOT_TOLD: [&str; 3] = ["content-length", "date", "location"];

/// What went over the wire, in the order in which it did.
pub(super) struct Wire {
    /// The address of the server, which is another one each time.
    home: String,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// How often each thing was asked for.
    counts: BTreeMap<String, usize>,
    /// What was said of each member of the answers to a request, one after another without repeats.
    said: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// The refresh tokens that were sent, each in the place where it first was.
    refresh_tokens: Vec<String>,
    /// The last answer to a refresh, as it is.
    refreshed: Value,
}

impl Wire {
    pub(super) fn new(home: &str) -> Self {
        Self {
            home: home.to_owned(),
            told: Mutex::default(),
        }
    }

    /// Forgets what was told so far.
    pub(super) fn clear(&self) {
        *self.told.lock().unwrap() = Told::default();
    }

    /// How often something was asked for.
    pub(super) fn count(&self, name: &str) -> usize {
        let told = self.told.lock().unwrap();
        told.counts.get(name).copied().unwrap_or_default()
    }

    /// The last answer to a refresh.
    pub(super) fn refreshed(&self) -> Value {
        self.told.lock().unwrap().refreshed.clone()
    }

    /// Something that is no answer.
    pub(super) fn said(&self, name: &str, value: &str) {
        let value = self.at_home(value);
        let mut told = self.told.lock().unwrap();
        let members = told.said.entry(name.to_owned()).or_default();
        say(members.entry(String::new()).or_default(), &value);
    }

    /// A request is sent. Gives its name.
    pub(super) fn asked(&self, request: &Request<Bytes>) -> String {
        let form: BTreeMap<String, String> = form_urlencoded::parse(request.body())
            .into_owned()
            .collect();
        let path = request.uri().path();
        let name = match form.get("grant_type") {
            Some(grant) => format!("{} {path} {grant}", request.method()),
            None => format!("{} {path}", request.method()),
        };
        let mut told = self.told.lock().unwrap();
        *told.counts.entry(name.clone()).or_default() += 1;
        if let Some(token) = form.get("refresh_token") {
            let place = told.refresh_tokens.iter().position(|it| it == token);
            let place = place.unwrap_or_else(|| {
                told.refresh_tokens.push(token.clone());
                told.refresh_tokens.len() - 1
            });
            let members = told.said.entry("sent".to_owned()).or_default();
            let sent = members.entry("refresh_token".to_owned()).or_default();
            say(sent, &format!("number {}", place + 1));
        }
        name
    }

    /// An answer has come to the request of this name.
    pub(super) fn answered(&self, name: &str, response: &Response<Bytes>) {
        let mut said = BTreeMap::new();
        let status = response.status().as_str().to_owned();
        said.insert("status".to_owned(), status);
        for (header, value) in response.headers() {
            if !NOT_TOLD.contains(&header.as_str()) {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                said.insert(format!("header {header}"), value);
            }
        }
        if let Some(location) = response.headers().get("location") {
            let location = location.to_str().unwrap();
            let (to, query) = location.split_once('?').unwrap_or((location, ""));
            said.insert("location".to_owned(), to.to_owned());
            for (number, (parameter, value)) in form_urlencoded::parse(query.as_bytes()).enumerate()
            {
                let value = formed(&parameter, &value);
                said.insert(format!("location {number} {parameter}"), value);
            }
        }
        let body = serde_json::from_slice::<Value>(response.body());
        match &body {
            Ok(value) => flatten("", value, &mut said),
            Err(_) => {
                let text = String::from_utf8_lossy(response.body()).into_owned();
                told_text("body", &text, &mut said);
            }
        }
        let mut told = self.told.lock().unwrap();
        if let (true, Ok(value)) = (name.contains("refresh_token"), body) {
            told.refreshed = value;
        }
        let members = told.said.entry(name.to_owned()).or_default();
        let is_first = members.is_empty();
        for (member, values) in members.iter_mut() {
            if !said.contains_key(member) {
                say(values, NOTHING);
            }
        }
        for (member, value) in said {
            let values = members.entry(member).or_default();
            if values.is_empty() && !is_first {
                say(values, NOTHING);
            }
            say(values, &self.at_home(&value));
        }
    }

    fn at_home(&self, text: &str) -> String {
        text.replace(&self.home, "EHR")
    }

    /// What this launch has otherwise than that one: what is asked how often, and what is said.
    pub(super) fn differences(&self, usual: &Self) -> Vec<String> {
        let (told, usual) = (self.told.lock().unwrap(), usual.told.lock().unwrap());
        let mut found = Vec::new();
        let names: BTreeSet<&String> = told.counts.keys().chain(usual.counts.keys()).collect();
        for name in names {
            let count = |it: &Told| it.counts.get(name).copied().unwrap_or_default();
            if count(&told) != count(&usual) {
                let (now, usually) = (count(&told), count(&usual));
                found.push(format!("{name}: {now} times, usually {usually}"));
            }
        }
        let names: BTreeSet<&String> = told.said.keys().chain(usual.said.keys()).collect();
        let none = BTreeMap::new();
        for name in names {
            let of = |it: &'_ Told| it.said.get(name).unwrap_or(&none).clone();
            let (told, usual) = (of(&told), of(&usual));
            let members: BTreeSet<&String> = told.keys().chain(usual.keys()).collect();
            for member in members {
                let of = |it: &BTreeMap<String, Vec<String>>| {
                    let values = it.get(member).map(|it| it.join(", then "));
                    values.unwrap_or_else(|| NOTHING.to_owned())
                };
                let (now, usually) = (of(&told), of(&usual));
                if now != usually {
                    found.push(format!("{name} {member}: {now}, usually {usually}"));
                }
            }
        }
        found
    }
}

/// In the place of what is not there.
const NOTHING: &str = "nothing";

/// What follows, unless it is the same once more.
fn say(values: &mut Vec<String>, value: &str) {
    if values.last().is_none_or(|it| it != value) {
        values.push(value.to_owned());
    }
}

/// The end of a long text.
fn end(text: &str) -> String {
    let count = text.chars().count();
    let end: String = text.chars().skip(count.saturating_sub(40)).collect();
    match count > 40 {
        true => format!("…{end}"),
        false => end,
    }
}

/// What is there by chance, by its form: how long it is, and its padding.
fn formed(member: &str, text: &str) -> String {
    if !BY_CHANCE.contains(&member) {
        // A number and the text of a number are two things.
        let is_text = serde_json::from_str::<Value>(text).is_err();
        return if is_text {
            end(text)
        } else {
            format!("{text:?}")
        };
    }
    let bare = text.trim_end_matches('=');
    format!("<{}>{}", bare.len(), &text[bare.len()..])
}

fn told_text(name: &str, text: &str, said: &mut BTreeMap<String, String>) {
    let parts: Vec<&str> = text.split('.').collect();
    if let [header, payload, signature] = parts[..] {
        let read = |part: &str| {
            let octets = base64url::decode(part).ok()?;
            serde_json::from_slice::<Value>(&octets).ok()
        };
        if let (Some(header), Some(payload)) = (read(header), read(payload)) {
            flatten(&format!("{name} header"), &header, said);
            flatten(&format!("{name} claim"), &payload, said);
            let signature = formed("signature", signature);
            said.insert(format!("{name} signature"), signature);
            return;
        }
    }
    said.insert(name.to_owned(), end(text));
}

/// Each member by its path.
fn flatten(path: &str, value: &Value, said: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                let path = format!("{path} {name}");
                flatten(path.trim_start(), value, said);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (number, value) in items.iter().enumerate() {
                flatten(&format!("{path} {number}"), value, said);
            }
        }
        Value::String(text) => {
            let member = path.rsplit(' ').next().unwrap();
            match member {
                "id_token" => told_text(path, text, said),
                _ => {
                    said.insert(path.to_owned(), formed(member, text));
                }
            }
        }
        other => {
            said.insert(path.to_owned(), other.to_string());
        }
    }
}
