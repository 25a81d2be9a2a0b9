//! The scripts that run on the server, and what they answer.
//!
//! Each touches one name, reads the server's clock and no other, and answers with two numbers: what
//! happened, and to which revision or fence. They are sent whole each time, as a script that the
//! server has forgotten would take a second call.

use redis::Cmd;

/// Reads the head, and ends the script where there is no record or none that can be read.
macro_rules! with_head {
    ($rest:literal) => {
        concat!(
            "local head = redis.pcall('GETRANGE', KEYS[1], 0, 49)\n",
            "if type(head) ~= 'string' then return {4, 0} end\n",
            "if head == '' then return {0, 0} end\n",
            "if #head ~= 50 or not string.match(head, '^S1%d+$') then return {4, 0} end\n",
            "local revision = string.sub(head, 3, 18)\n",
            "local fence = string.sub(head, 19, 34)\n",
            "local leased_until = string.sub(head, 35, 50)\n",
            $rest
        )
    };
}

/// Writes a value if the revision is the expected one and no later fence was given out.
const REPLACE: &str = with_head!(
    "if tonumber(ARGV[2]) < tonumber(fence) then return {3, tonumber(fence)} end
if ARGV[1] ~= revision then return {2, tonumber(revision)} end
local next = tonumber(revision) + 1
head = 'S1' .. string.format('%016.0f', next) .. fence .. leased_until
redis.call('SET', KEYS[1], head .. ARGV[4], 'PX', ARGV[3])
return {1, next}"
);

/// Takes the lease if nobody holds it.
///
/// A fence is the microseconds of the server's clock, or one more than the last where that clock
/// does not go on: should a failover lose the last one, the next is greater all the same.
///
/// A lease that would end later than the longest one does was given out before the clock stepped
/// back, and would be held for as long as the step.
const ACQUIRE: &str = with_head!(
    "local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local left = tonumber(leased_until) - now
if left > 0 and left <= tonumber(ARGV[2]) then return {2, tonumber(fence)} end
local next = math.max(tonumber(fence) + 1, tonumber(time[1]) * 1000000 + tonumber(time[2]))
if next >= 9007199254740992 then return {4, 0} end
local lease = string.format('%016.0f%016.0f', next, now + tonumber(ARGV[1]))
redis.call('SETRANGE', KEYS[1], 18, lease)
return {1, next}"
);

/// Gives the lease back if no other was given out since.
const RELEASE: &str = with_head!(
    "if ARGV[1] ~= fence then return {3, tonumber(fence)} end
redis.call('SETRANGE', KEYS[1], 34, '0000000000000000')
return {1, tonumber(fence)}"
);

/// What a script answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It was done: the new revision, or the fence.
    Done(u64),
    /// There is no such record.
    Gone,
    /// The lease is held, or the revision is another one: which.
    Taken(u64),
    /// A later fence was given out: which.
    Fenced(u64),
    /// There is something, and it is no record.
    Unreadable,
}

impl Answer {
    /// Reads an answer; `None` where it is none of a script of ours.
    pub(crate) fn of((what, number): (i64, i64)) -> Option<Self> {
        let number = u64::try_from(number).ok()?;
        match what {
            0 => Some(Self::Gone),
            1 => Some(Self::Done(number)),
            2 => Some(Self::Taken(number)),
            3 => Some(Self::Fenced(number)),
            4 => Some(Self::Unreadable),
            _ => None,
        }
    }
}

fn eval(script: &str, name: &str) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(script).arg(1).arg(name);
    command
}

/// `expected` and `fence` have [`super::record::DIGITS`].
pub(crate) fn replace(name: &str, expected: &str, fence: &str, life: &str, sealed: &[u8]) -> Cmd {
    let mut command = eval(REPLACE, name);
    command.arg(expected).arg(fence).arg(life).arg(sealed);
    command
}

/// `longest` is how long the longest lease lasts.
pub(crate) fn acquire(name: &str, life: &str, longest: &str) -> Cmd {
    let mut command = eval(ACQUIRE, name);
    command.arg(life).arg(longest);
    command
}

/// `fence` has [`super::record::DIGITS`].
pub(crate) fn release(name: &str, fence: &str) -> Cmd {
    let mut command = eval(RELEASE, name);
    command.arg(fence);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::HEAD_OCTETS;

    #[test]
    fn the_scripts_and_the_record_agree_on_the_head() {
        for script in [REPLACE, ACQUIRE, RELEASE] {
            assert!(script.contains(&format!("0, {})", HEAD_OCTETS - 1)));
            assert!(script.contains(&format!("#head ~= {HEAD_OCTETS}")));
        }
    }

    #[test]
    fn each_answer_is_told_and_others_are_none() {
        let answers: Vec<_> = (-1..=5).map(|what| Answer::of((what, 7))).collect();
        let expected = [
            None,
            Some(Answer::Gone),
            Some(Answer::Done(7)),
            Some(Answer::Taken(7)),
            Some(Answer::Fenced(7)),
            Some(Answer::Unreadable),
            None,
        ];
        assert_eq!(answers, expected);
        assert_eq!(Answer::of((1, -7)), None);
    }
}
