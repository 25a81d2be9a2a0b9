//! The store itself: each promise of the traits as one command or one script.

use core::fmt;
use core::time::Duration;

use async_trait::async_trait;
use redis::{Cmd, Value};
use smart_oidc::jose::{Secret, Text};
use smart_oidc::seal::SealingKeys;
use smart_oidc::session::{
    Fence, Lease, RefreshLease, Revision, SessionStore, StoreError, StoreKey, Stored, Write,
};

use crate::link::Wire;
use crate::record;
use crate::script::{self, Answer};
use crate::trouble::unavailable;

/// A value may be this long, in octets: two tokens of the longest kind, and room.
pub const MAX_VALUE_OCTETS: usize = 256 * 1024;

/// What reads: `GETEX` without an option gives what `GET` does, but counts as a write. A server that
/// a failover has demoted, or that has lost its replicas where that forbids writes, refuses it,
/// where `GET` would give a value that is older than the last.
const READ: &str = "GETEX";

/// Sessions, launches and leases in a Redis or Valkey, for all nodes that name the same server, the
/// same prefix and the same keys.
///
/// All tasks share one connection. It belongs to the runtime of the call that made it; once that
/// one has ended, the next call makes another. A call that is dropped halfway may have been done.
///
/// A lease lasts for five minutes at most, whatever is asked for.
pub struct RedisStore {
    wire: Wire,
    keys: SealingKeys,
    prefix: String,
}

impl RedisStore {
    pub(crate) const fn of(wire: Wire, keys: SealingKeys, prefix: String) -> Self {
        Self { wire, keys, prefix }
    }

    /// Whether the server does what is asked of it: for the check that tells a load balancer
    /// whether this node is ready. A server that only reads, such as one that a failover has
    /// demoted, is not.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    pub async fn check(&self) -> Result<(), StoreError> {
        let mut command = redis::cmd(READ);
        command.arg(format!("{}check", self.prefix));
        self.wire.run(READ, command).await
    }

    /// The name on the server, which is also what a value is sealed for.
    fn name(&self, key: &StoreKey) -> String {
        format!("{}{key}", self.prefix)
    }

    fn seal(&self, name: &str, value: &Secret<Vec<u8>>) -> Result<Vec<u8>, StoreError> {
        let value = value.expose_secret();
        if value.len() > MAX_VALUE_OCTETS {
            return Err(StoreError::TooLong {
                limit: MAX_VALUE_OCTETS,
                found: value.len(),
            });
        }
        let sealed = self.keys.seal(name, value);
        sealed.map_err(|error| unavailable(&error.to_string()))
    }

    fn open(&self, name: &str, record: &[u8]) -> Result<Stored, StoreError> {
        let (revision, sealed) = record::parse(record).ok_or_else(no_record)?;
        let value = self.keys.open(name, sealed);
        let value = value.map_err(|error| StoreError::Unreadable {
            problem: Text::new(&error.to_string()),
        })?;
        Ok(Stored {
            value,
            revision: Revision(revision),
        })
    }

    /// Runs a command that gives a record, if there is one.
    async fn record(&self, name: &'static str, key: &str) -> Result<Option<Stored>, StoreError> {
        let mut command = redis::cmd(name);
        command.arg(key);
        let record: Option<Vec<u8>> = self.wire.run(name, command).await?;
        record.map(|it| self.open(key, &it)).transpose()
    }

    async fn script(&self, name: &'static str, script: Cmd) -> Result<Answer, StoreError> {
        let answer = self.wire.run(name, script).await?;
        match Answer::of(answer) {
            Some(Answer::Unreadable) | None => Err(no_record()),
            Some(Answer::Gone) => Err(StoreError::Gone),
            Some(answer) => Ok(answer),
        }
    }
}

fn no_record() -> StoreError {
    StoreError::Unreadable {
        problem: Text::new("under this name there is no record of this form"),
    }
}

#[async_trait]
impl SessionStore for RedisStore {
    async fn insert(
        &self,
        key: &StoreKey,
        value: &Secret<Vec<u8>>,
        life: Duration,
    ) -> Result<(), StoreError> {
        let name = self.name(key);
        let sealed = self.seal(&name, value)?;
        let mut command = redis::cmd("SET");
        command.arg(&name).arg(record::first(&sealed));
        command.arg("NX").arg("PX").arg(record::milliseconds(life));
        match self.wire.run("SET", command).await? {
            Value::Okay => Ok(()),
            Value::Nil => Err(StoreError::Exists),
            _ => Err(unavailable("the server answered SET with something else")),
        }
    }

    async fn take(&self, key: &StoreKey) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        let taken = self.record("GETDEL", &self.name(key)).await?;
        Ok(taken.map(|it| it.value))
    }

    async fn read(&self, key: &StoreKey) -> Result<Option<Stored>, StoreError> {
        self.record(READ, &self.name(key)).await
    }

    async fn replace(&self, key: &StoreKey, write: Write<'_>) -> Result<Revision, StoreError> {
        let name = self.name(key);
        let sealed = self.seal(&name, write.value)?;
        let (expected, fence) = (write.expected, write.fence);
        let script = script::replace(
            &name,
            &record::digits(expected.0),
            &record::digits(fence.0),
            &record::milliseconds(write.life),
            &sealed,
        );
        match self.script("replace", script).await? {
            Answer::Done(revision) => Ok(Revision(revision)),
            Answer::Taken(found) => Err(StoreError::Changed {
                expected,
                found: Revision(found),
            }),
            Answer::Fenced(latest) => Err(StoreError::Fenced {
                ours: fence,
                latest: Fence(latest),
            }),
            Answer::Gone | Answer::Unreadable => Err(no_record()),
        }
    }

    async fn remove(&self, key: &StoreKey) -> Result<(), StoreError> {
        let mut command = redis::cmd("DEL");
        command.arg(self.name(key));
        self.wire.run("DEL", command).await
    }
}

#[async_trait]
impl RefreshLease for RedisStore {
    async fn acquire(&self, key: &StoreKey, life: Duration) -> Result<Option<Lease>, StoreError> {
        let (life, longest) = record::lease(life);
        let script = script::acquire(&self.name(key), &life, &longest);
        match self.script("acquire", script).await? {
            Answer::Done(fence) => Ok(Some(Lease {
                fence: Fence(fence),
            })),
            _ => Ok(None),
        }
    }

    async fn release(&self, key: &StoreKey, lease: &Lease) -> Result<(), StoreError> {
        let fence = record::digits(lease.fence.0);
        let script = script::release(&self.name(key), &fence);
        match self.script("release", script).await {
            // Another holder, or a record that is gone: there is nothing to give back.
            Ok(_) | Err(StoreError::Gone) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("wire", &self.wire)
            .field("keys", &self.keys)
            .field("prefix", &self.prefix)
            .finish()
    }
}
