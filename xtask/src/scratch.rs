//! A folder outside the workspace that is gone when we are.
//!
//! Outside, because inside it cargo would find our own workspace and its settings on the way up.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A new, empty folder, removed on drop.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes the folder under a name that nobody had.
    pub(crate) fn new(purpose: &str) -> Result<Self, String> {
        let parent = std::env::temp_dir();
        for attempt in 0..1000 {
            let path = parent.join(format!("{purpose}-{}-{attempt}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(format!("cannot make {}: {error}", path.display())),
            }
        }
        Err(format!("no free name for a folder in {}", parent.display()))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to the system, as there is nobody to tell.
        drop(std::fs::remove_dir_all(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_folders_differ_and_go_away() -> Result<(), String> {
        let (one, two) = (
            Scratch::new("smart-scratch")?,
            Scratch::new("smart-scratch")?,
        );
        assert_ne!(one.path(), two.path());
        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists());
        Ok(())
    }
}
