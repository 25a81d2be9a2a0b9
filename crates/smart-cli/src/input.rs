//! What comes in from files and from standard input, bounded.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::exit::Failure;

/// No key file and no token is longer than this, in octets.
const LIMIT: u64 = 1024 * 1024;

/// The text of a file.
pub(crate) fn file(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| Failure::io(format!("{shown}: {error}")))?;
    read(file).map_err(|error| Failure::io(format!("{shown}: {error}")))
}

/// The text of a file that holds a secret. The error does not name it: who tells of it knows whether
/// the name may be shown.
pub(crate) fn secret(path: &Path) -> io::Result<String> {
    read(File::open(path)?)
}

/// The token that a command line names.
pub(crate) fn token(argument: Option<&str>) -> Result<String, Failure> {
    let token = match argument {
        None => {
            return Err(Failure::usage(
                "no token: give it as an argument, or - to read it from standard input",
            ));
        }
        Some("-") => read(io::stdin().lock())
            .map_err(|error| Failure::io(format!("standard input: {error}")))?,
        Some(token) => token.to_owned(),
    };
    // A line break at the end of a file is no part of a token; anything else is.
    let token = token.trim_end_matches(['\r', '\n']);
    if token.is_empty() {
        return Err(Failure::usage("the token is empty"));
    }
    Ok(token.to_owned())
}

fn read(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    let length = source.take(LIMIT + 1).read_to_string(&mut text)?;
    if u64::try_from(length).is_ok_and(|it| it > LIMIT) {
        return Err(io::Error::other("longer than 1 MiB"));
    }
    Ok(text)
}
