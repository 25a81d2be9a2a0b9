//! The example resources that HL7 publishes for FHIR R4, read as profiles.
//!
//! They are fetched with npm and kept in the target folder. Where npm or its registry is missing
//! the test says that it was skipped; with `npm` in `SMART_TEST_REQUIRE` it fails instead.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;
use smart_oidc::discovery::FhirBaseUrl;
use smart_oidc::jose::UnixTime;
use smart_oidc::profile::{
    DirectoryProfileSource, ImageType, Photo, ProfileSource as _, UserResource,
};
use smart_oidc::{AccessToken, FhirUser};
use smart_tests::skip;

const PACKAGE: &str = "hl7.fhir.r4.examples@4.0.1";
const TARBALL: &str = "hl7.fhir.r4.examples-4.0.1.tgz";
/// 2026-07-01T00:00:00Z.
const NOW: UnixTime = UnixTime::from_secs(1_782_864_000);
/// Bundles that are longer hold definitions and nobody.
const LONGEST: u64 = 1024 * 1024;

/// The examples of users, and the shorter Bundles, by the names of their files; `None` where they
/// cannot be had, which is said on standard error.
fn examples() -> Option<BTreeMap<String, Vec<u8>>> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("r4-examples-4.0.1");
    if !cache.exists()
        && let Err(reason) = fetch(&cache)
    {
        skip::say("npm", "r4_examples", &reason);
        return None;
    }
    let files = fs::read_dir(&cache).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read(&path).unwrap())
    });
    Some(files.collect())
}

/// Fills the cache. Another process may do the same, so all happens in a folder of our own, and
/// only the whole takes the cache's name.
fn fetch(cache: &Path) -> Result<(), String> {
    let own = cache.with_extension(format!("{}.part", std::process::id()));
    let filled = fill(&own).and_then(|unpacked| {
        let renamed = fs::rename(unpacked, cache);
        match renamed {
            // Somebody else was faster.
            Err(_) if cache.exists() => Ok(()),
            other => other.map_err(|error| error.to_string()),
        }
    });
    let _ = fs::remove_dir_all(&own);
    filled
}

fn fill(own: &Path) -> Result<PathBuf, String> {
    let said = |error: io::Error| error.to_string();
    let unpacked = own.join("unpacked");
    fs::create_dir_all(&unpacked).map_err(said)?;
    let npm = Command::new("npm")
        .args(["pack", PACKAGE, "--silent", "--ignore-scripts"])
        .args(["--fetch-retries=1", "--fetch-timeout=60000"])
        .current_dir(own)
        .output()
        .map_err(|error| format!("npm cannot be run: {error}"))?;
    if !npm.status.success() {
        return Err(format!("npm could not fetch {PACKAGE}"));
    }
    let tarball = File::open(own.join(TARBALL)).map_err(said)?;
    unpack(GzDecoder::new(BufReader::new(tarball)), &unpacked).map_err(said)?;
    Ok(unpacked)
}

/// Writes the files that are wanted from a tar archive: blocks of 512 octets, a header with name
/// and octal length before each file (POSIX.1, ustar).
fn unpack(mut archive: impl Read, into: &Path) -> io::Result<()> {
    let mut header = [0; 512];
    loop {
        archive.read_exact(&mut header)?;
        if header.iter().all(|it| *it == 0) {
            return Ok(());
        }
        let text = |octets: &[u8]| {
            let text = String::from_utf8_lossy(octets);
            text.trim_matches(['\0', ' ']).to_owned()
        };
        let name = text(&header[..100]);
        let length = u64::from_str_radix(&text(&header[124..136]), 8).map_err(io::Error::other)?;
        let padded = length.next_multiple_of(512);
        let name = name.strip_prefix("package/").unwrap_or_default();
        let mut content = archive.by_ref().take(padded);
        if header[156] == b'0' && is_wanted(name, length) {
            let mut file = Vec::new();
            content.read_to_end(&mut file)?;
            file.truncate(usize::try_from(length).map_err(io::Error::other)?);
            fs::write(into.join(name), file)?;
        } else {
            io::copy(&mut content, &mut io::sink())?;
        }
    }
}

fn is_wanted(name: &str, length: u64) -> bool {
    let is_plain = name.ends_with(".json") && !name.contains(['/', '\\']);
    is_plain && (kind(name).is_some() || name.starts_with("Bundle-") && length <= LONGEST)
}

/// The type of user of which a file is an example.
fn kind(name: &str) -> Option<&str> {
    let (kind, _) = name.split_once('-')?;
    let users = [
        "Practitioner",
        "PractitionerRole",
        "Patient",
        "RelatedPerson",
        "Person",
    ];
    users.contains(&kind).then_some(kind)
}

/// What a test looks at in a card.
#[derive(Debug, PartialEq)]
struct Seen {
    name: Option<&'static str>,
    identifiers: &'static [&'static str],
    telecoms: &'static [&'static str],
    qualifications: &'static [&'static str],
    roles: &'static [&'static str],
    language: Option<&'static str>,
    is_current: bool,
}

impl Seen {
    const NOTHING: Self = Self {
        name: None,
        identifiers: &[],
        telecoms: &[],
        qualifications: &[],
        roles: &[],
        language: None,
        is_current: true,
    };

    fn check(&self, file: &str, card: &UserResource) {
        assert_eq!(card.name.as_deref(), self.name, "{file}");
        let values: Vec<_> = card.identifiers.iter().map(|it| &it.value).collect();
        assert_eq!(values, self.identifiers, "{file}");
        let values: Vec<_> = card.telecoms.iter().map(|it| &it.value).collect();
        assert_eq!(values, self.telecoms, "{file}");
        let texts: Vec<_> = card.qualifications.iter().map(|it| &it.text).collect();
        assert_eq!(texts, self.qualifications, "{file}");
        assert_eq!(card.roles, self.roles, "{file}");
        assert_eq!(card.language.as_deref(), self.language, "{file}");
        assert_eq!(card.is_current, self.is_current, "{file}");
    }
}

/// A few of the examples, looked up by hand.
const KNOWN: [(&str, Seen); 9] = [
    (
        "Practitioner-example.json",
        Seen {
            name: Some("Dr Adam Careful"),
            identifiers: &["23"],
            qualifications: &["Bachelor of Science"],
            ..Seen::NOTHING
        },
    ),
    (
        "Practitioner-f005.json",
        Seen {
            name: Some("Langeveld Anne MD"),
            identifiers: &["118265112", "191REW8WE916"],
            telecoms: &["0205563847", "a.langeveld@bmc.nl", "0205668916"],
            language: Some("fr"),
            ..Seen::NOTHING
        },
    ),
    (
        "PractitionerRole-example.json",
        // The role ended in 2012; its code has no words but itself.
        Seen {
            name: Some("Dr Adam Careful"),
            identifiers: &["23"],
            telecoms: &["(03) 5555 6473", "adam.southern@example.org"],
            roles: &["RP"],
            is_current: false,
            ..Seen::NOTHING
        },
    ),
    (
        "Patient-example.json",
        // Of three names the official one; the old telephone number is over.
        Seen {
            name: Some("Peter James Chalmers"),
            identifiers: &["12345"],
            telecoms: &["(03) 5555 6473", "(03) 3410 5613"],
            ..Seen::NOTHING
        },
    ),
    (
        "Patient-f001.json",
        Seen {
            name: Some("Pieter van de Heuvel MSc"),
            identifiers: &["738472983"],
            telecoms: &["0648352638", "p.heuvel@gmail.com"],
            language: Some("nl"),
            ..Seen::NOTHING
        },
    ),
    (
        "Patient-ch-example.json",
        Seen {
            name: Some("张无忌"),
            identifiers: &["3112219680806371X"],
            telecoms: &["18337177888"],
            ..Seen::NOTHING
        },
    ),
    ("Patient-newborn.json", Seen::NOTHING),
    (
        "RelatedPerson-newborn-mom.json",
        Seen {
            name: Some("Eve Everywoman"),
            identifiers: &["444222222"],
            telecoms: &["555-555-2003"],
            roles: &["Natural Mother"],
            ..Seen::NOTHING
        },
    ),
    (
        "Person-grahame.json",
        Seen {
            name: Some("Peter James Chalmers"),
            identifiers: &["12345"],
            telecoms: &["(03) 5555 6473"],
            ..Seen::NOTHING
        },
    ),
];

// covers: SMART-ID-4, SMART-USR-14
#[tokio::test]
async fn the_examples_of_fhir_r4_are_read() {
    let Some(files) = examples() else {
        // It has said so; there is nothing to look at.
        assert!(!skip::is_required("npm"));
        return;
    };
    let base = FhirBaseUrl::parse("https://ehr.example/fhir").unwrap();
    let access_token = AccessToken::new("at");
    let mut directory = DirectoryProfileSource::new(base.clone());
    let mut counted: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    let mut cards = BTreeMap::new();
    for (file, text) in &files {
        let Some(kind) = kind(file) else {
            directory.add_json(text).unwrap();
            continue;
        };
        let resource: serde_json::Value = serde_json::from_slice(text).unwrap();
        let claim = format!("{kind}/{}", resource["id"].as_str().unwrap());
        let user = FhirUser::parse(&claim, &base).unwrap();
        let card = UserResource::parse(text, &user.read(&access_token), NOW).unwrap();
        assert_eq!(card.resource_type.name(), kind, "{file}");
        let (all, named, pictured) = counted.entry(kind).or_default();
        *all += 1;
        *named += usize::from(card.name.is_some());
        *pictured += usize::from(card.photo.is_some());
        cards.insert(file.as_str(), card);
    }
    // How many there are, have a name, and have a photo in them. An unborn child, a newborn one and
    // somebody in a study have no name.
    let expected = [
        ("Patient", (22, 19, 2)),
        ("Person", (5, 5, 1)),
        ("Practitioner", (14, 14, 1)),
        ("PractitionerRole", (1, 1, 0)),
        ("RelatedPerson", (5, 5, 1)),
    ];
    assert_eq!(counted, BTreeMap::from(expected));
    for (file, seen) in &KNOWN {
        seen.check(file, &cards[file]);
    }
    for (file, expected, octets) in [
        ("Patient-pat1.json", ImageType::Gif, 993),
        ("Practitioner-f005.json", ImageType::Jpeg, 4257),
    ] {
        let Some(Photo::Inline { image_type, data }) = &cards[file].photo else {
            panic!("{file}");
        };
        assert_eq!((*image_type, data.len()), (expected, octets), "{file}");
    }
    let role = &cards["PractitionerRole-example.json"];
    assert_eq!(role.specialties, ["General medical practice"]);

    // The entries of Bundles are on other servers by their `fullUrl`, all but one, and would be
    // other people here; those of the files are added.
    assert_eq!(directory.len(), 1);
    for (file, text) in files.iter().filter(|(file, _)| kind(file).is_some()) {
        assert_eq!(directory.add_json(text), Ok(1), "{file}");
    }
    let user = FhirUser::parse("PractitionerRole/example", &base).unwrap();
    let card = directory.resource(&user.read(&access_token), NOW).await;
    let card = card.unwrap();
    assert_eq!(card.practitioner.as_ref().unwrap().followed, Ok(()));
    let learnt: Vec<_> = card.qualifications.iter().map(|it| &it.text).collect();
    assert_eq!(learnt, ["Bachelor of Science"]);
}
