//! Launches in the name of another FHIR server.

use super::fault::Act::Launch;
use super::fault::Fault;
use super::moment::Moment;

const fn fault(
    name: &'static str,
    does: &'static str,
    client_must: &'static str,
    clause: &'static str,
    act: fn(&mut String, &Moment<'_>),
) -> Fault {
    Fault {
        name,
        does,
        client_must,
        clause,
        act: Launch(act),
    }
}

const REFUSE: &str = "refuse the launch, and fetch nothing: the FHIR server is not registered";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "launch-of-another-server",
        "the EHR starts the app in the name of another FHIR server",
        REFUSE,
        "SMART App Launch 2.2, Launch App: EHR Launch",
        |iss, _| *iss = "https://attacker.example/fhir".to_owned(),
    ),
    fault(
        "launch-of-a-twin",
        "the FHIR server of the launch begins like the registered one",
        REFUSE,
        "CVE-2026-34359",
        |iss, _| iss.push_str(".attacker.example"),
    ),
    fault(
        "launch-inside",
        "the FHIR server of the launch is the metadata service of a cloud",
        REFUSE,
        "CVE-2026-34360",
        |iss, _| *iss = "http://169.254.169.254/latest".to_owned(),
    ),
    fault(
        "launch-of-a-file",
        "the FHIR server of the launch is a file",
        REFUSE,
        "CVE-2026-34360",
        |iss, _| *iss = "file:///etc/passwd".to_owned(),
    ),
    fault(
        "launch-with-slash",
        "the FHIR server of the launch has one slash more",
        "accept the launch: one slash is tolerated where the server is looked up",
        "SMART App Launch 2.2, Launch App: EHR Launch",
        |iss, _| iss.push('/'),
    ),
];
