//! The checks themselves.

#![expect(missing_docs, reason = "each name is the sentence that is checked")]

use core::time::Duration;

use smart_oidc::session::{Fence, Lease, Revision, StoreError};
use tokio::task::JoinSet;

use super::{Bench, LONG, SHORT, Time};

/// So many do the same thing at once.
const CROWD: usize = 64;

/// Runs something in so many tasks as are a crowd, and gives what each of them got.
async fn crowd<T: Send + 'static, F>(mut work: impl FnMut(usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for number in 0..CROWD {
        tasks.spawn(work(number));
    }
    tasks.join_all().await
}

pub async fn a_record_is_inserted_once(bench: &Bench) {
    for key in [bench.session(), bench.launch()] {
        assert_eq!(bench.insert(&key, b"first", LONG).await, Ok(()));
        let again = bench.insert(&key, b"second", LONG).await;
        assert_eq!(again, Err(StoreError::Exists));
        assert_eq!(bench.read(&key).await, Some((b"first".to_vec(), 1)));

        bench.store.remove(&key).await.unwrap();
        assert_eq!(bench.insert(&key, b"third", LONG).await, Ok(()));
        assert_eq!(bench.read(&key).await, Some((b"third".to_vec(), 1)));
    }
}

pub async fn a_record_is_taken_once(bench: &Bench) {
    for key in [bench.launch(), bench.session()] {
        bench.insert(&key, b"once", LONG).await.unwrap();
        let takers = crowd(|_| {
            let (store, key) = (bench.store.clone(), key.clone());
            async move { store.take(&key).await.unwrap() }
        });
        let taken: Vec<_> = takers.await.into_iter().flatten().collect();
        let [taken] = taken.as_slice() else {
            panic!("{} got it", taken.len());
        };
        assert_eq!(taken.expose_secret(), b"once");
        assert_eq!(bench.take(&key).await, None);
        assert_eq!(bench.read(&key).await, None);
    }
}

pub async fn a_record_ends_by_itself(bench: &Bench) {
    for (key, other) in [
        (bench.launch(), bench.launch()),
        (bench.session(), bench.session()),
    ] {
        bench.insert(&other, b"stays", LONG).await.unwrap();
        bench.insert(&key, b"ends", SHORT).await.unwrap();
        let mut rest = SHORT;
        if let Time::Told(clock) = &bench.time {
            let last = Duration::from_nanos(1);
            clock.advance(SHORT - last);
            assert_eq!(bench.read(&key).await, Some((b"ends".to_vec(), 1)));
            rest = last;
        }
        let is_gone = async || bench.read(&key).await.is_none();
        bench.time.until(rest, "the record ends", is_gone).await;
        assert_eq!(bench.take(&key).await, None);
        let late = bench.replace(&key, b"late", 1, Fence(u64::MAX), LONG).await;
        assert_eq!(late, Err(StoreError::Gone));
        let lease = bench.store.acquire(&key, LONG).await;
        assert_eq!(lease.unwrap_err(), StoreError::Gone);

        assert_eq!(bench.take(&other).await, Some(b"stays".to_vec()));
        assert_eq!(bench.insert(&key, b"anew", LONG).await, Ok(()));
    }
}

pub async fn a_write_gives_a_new_life(bench: &Bench) {
    let longer = bench.session();
    bench.insert(&longer, b"1", SHORT).await.unwrap();
    let written = bench.replace(&longer, b"2", 1, Fence(0), LONG).await;
    // Where time is real the first life may be over, on a machine that is busy.
    if written == Err(StoreError::Gone) && matches!(bench.time, Time::Real) {
        return Box::pin(a_write_gives_a_new_life(bench)).await;
    }
    assert_eq!(written, Ok(2));
    let shorter = bench.with_session(b"1").await;
    let written = bench.replace(&shorter, b"2", 1, Fence(0), SHORT).await;
    assert_eq!(written, Ok(2));

    // By the time that this one ends, the first life of the other is long over.
    let is_gone = async || bench.read(&shorter).await.is_none();
    bench.time.until(SHORT, "the record ends", is_gone).await;
    assert_eq!(bench.read(&longer).await, Some((b"2".to_vec(), 2)));
}

pub async fn a_lease_keeps_no_record_alive(bench: &Bench) {
    let key = bench.session();
    bench.insert(&key, b"ends", SHORT).await.unwrap();
    match bench.store.acquire(&key, LONG).await {
        Ok(lease) => bench.store.release(&key, &lease.unwrap()).await.unwrap(),
        Err(error) => assert_eq!(error, StoreError::Gone),
    }
    let is_gone = async || bench.read(&key).await.is_none();
    bench.time.until(SHORT, "the record ends", is_gone).await;
}

pub async fn the_last_write_is_read(bench: &Bench) {
    let key = bench.with_session(b"0").await;
    for revision in 1..20 {
        let value = revision.to_string().into_bytes();
        let written = bench.replace(&key, &value, revision, Fence(0), LONG).await;
        assert_eq!(written, Ok(revision + 1));
        assert_eq!(bench.read(&key).await, Some((value, revision + 1)));
    }
}

pub async fn a_write_on_another_revision_is_refused(bench: &Bench) {
    let key = bench.with_session(b"1").await;
    bench.replace(&key, b"2", 1, Fence(0), LONG).await.unwrap();
    for expected in [0, 1, 3, u64::MAX] {
        let refused = bench.replace(&key, b"x", expected, Fence(0), LONG).await;
        let changed = StoreError::Changed {
            expected: Revision(expected),
            found: Revision(2),
        };
        assert_eq!(refused, Err(changed));
        assert_eq!(bench.read(&key).await, Some((b"2".to_vec(), 2)));
    }
}

pub async fn a_write_under_an_earlier_lease_is_refused(bench: &Bench) {
    let key = bench.with_session(b"1").await;
    let first = bench.acquire(&key, LONG).await.unwrap();
    bench.store.release(&key, &first).await.unwrap();
    // The lease is over, but nobody else has had one.
    let written = bench.replace(&key, b"2", 1, first.fence, LONG).await;
    assert_eq!(written, Ok(2));

    let second = bench.acquire(&key, LONG).await.unwrap();
    for expected in [2, 1] {
        let refused = bench.replace(&key, b"x", expected, first.fence, LONG).await;
        let fenced = StoreError::Fenced {
            ours: first.fence,
            latest: second.fence,
        };
        assert_eq!(refused, Err(fenced));
    }
    bench.store.release(&key, &second).await.unwrap();
    let refused = bench.replace(&key, b"x", 2, first.fence, LONG).await;
    assert_eq!(refused.unwrap_err().code(), "store-fenced");
    assert_eq!(bench.read(&key).await, Some((b"2".to_vec(), 2)));
    let written = bench.replace(&key, b"3", 2, second.fence, LONG).await;
    assert_eq!(written, Ok(3));
}

pub async fn of_many_writers_one_wins(bench: &Bench) {
    let key = bench.with_session(b"0").await;
    let writers = crowd(|number| {
        let (store, key) = (bench.store.clone(), key.clone());
        async move {
            let value = vec![u8::try_from(number).unwrap()].into();
            let write = smart_oidc::session::Write {
                value: &value,
                expected: Revision(1),
                fence: Fence(0),
                life: LONG,
            };
            (number, store.replace(&key, write).await)
        }
    });
    let changed = StoreError::Changed {
        expected: Revision(1),
        found: Revision(2),
    };
    let (won, lost): (Vec<_>, Vec<_>) = writers.await.into_iter().partition(|it| it.1.is_ok());
    assert_eq!((won.len(), lost.len()), (1, CROWD - 1));
    assert!(lost.iter().all(|it| it.1 == Err(changed.clone())));
    let winner = vec![u8::try_from(won[0].0).unwrap()];
    assert_eq!(bench.read(&key).await, Some((winner, 2)));
}

pub async fn what_is_not_there_is_gone(bench: &Bench) {
    for key in [bench.session(), bench.launch()] {
        assert_eq!(bench.read(&key).await, None);
        assert_eq!(bench.take(&key).await, None);
        let written = bench.replace(&key, b"x", 1, Fence(0), LONG).await;
        assert_eq!(written, Err(StoreError::Gone));
        let lease = bench.store.acquire(&key, LONG).await;
        assert_eq!(lease.unwrap_err(), StoreError::Gone);
        let lease = Lease { fence: Fence(1) };
        assert_eq!(bench.store.release(&key, &lease).await, Ok(()));
        assert_eq!(bench.store.remove(&key).await, Ok(()));
        assert_eq!(bench.read(&key).await, None);
    }
}

pub async fn a_removed_record_takes_its_lease_along(bench: &Bench) {
    let key = bench.with_session(b"1").await;
    let lease = bench.acquire(&key, LONG).await.unwrap();
    bench.store.remove(&key).await.unwrap();
    assert_eq!(bench.read(&key).await, None);
    let written = bench.replace(&key, b"2", 1, lease.fence, LONG).await;
    assert_eq!(written, Err(StoreError::Gone));

    bench.insert(&key, b"1", LONG).await.unwrap();
    assert!(bench.acquire(&key, LONG).await.is_some());
}

pub async fn a_taken_session_is_not_written_again(bench: &Bench) {
    let key = bench.with_session(b"1").await;
    let lease = bench.acquire(&key, LONG).await.unwrap();
    assert_eq!(bench.take(&key).await, Some(b"1".to_vec()));
    // Whoever signs out while another node refreshes stays signed out.
    let written = bench.replace(&key, b"2", 1, lease.fence, LONG).await;
    assert_eq!(written, Err(StoreError::Gone));
    assert_eq!(bench.store.release(&key, &lease).await, Ok(()));
    assert_eq!(bench.read(&key).await, None);
}

pub async fn a_lease_has_one_holder(bench: &Bench) {
    let key = bench.with_session(b"1").await;
    let takers = crowd(|_| {
        let (store, key) = (bench.store.clone(), key.clone());
        async move { store.acquire(&key, LONG).await.unwrap() }
    });
    let mut held: Vec<_> = takers.await.into_iter().flatten().collect();
    assert_eq!(held.len(), 1);
    assert!(bench.acquire(&key, LONG).await.is_none());

    bench.store.release(&key, &held.remove(0)).await.unwrap();
    assert!(bench.acquire(&key, LONG).await.is_some());
    assert!(bench.acquire(&key, LONG).await.is_none());
}

pub async fn a_lease_ends_by_itself(bench: &Bench) {
    let key = bench.with_session(b"1").await;
    bench.acquire(&key, SHORT).await.unwrap();
    let mut rest = SHORT;
    if let Time::Told(clock) = &bench.time {
        let last = Duration::from_nanos(1);
        clock.advance(SHORT - last);
        assert!(bench.acquire(&key, LONG).await.is_none());
        rest = last;
    }
    let is_free = async || bench.acquire(&key, LONG).await.is_some();
    bench.time.until(rest, "the lease ends", is_free).await;
    assert!(bench.acquire(&key, LONG).await.is_none());
}

pub async fn a_lease_and_a_removal_concern_one_record(bench: &Bench) {
    let (one, other) = (
        bench.with_session(b"1").await,
        bench.with_session(b"2").await,
    );
    bench.acquire(&one, LONG).await.unwrap();
    assert!(bench.acquire(&other, LONG).await.is_some());
    bench.store.remove(&one).await.unwrap();
    assert_eq!(bench.read(&other).await, Some((b"2".to_vec(), 1)));
    assert!(bench.acquire(&other, LONG).await.is_none());
}

pub async fn a_write_keeps_the_lease(bench: &Bench) {
    let key = bench.with_session(b"1").await;
    let lease = bench.acquire(&key, LONG).await.unwrap();
    let written = bench.replace(&key, b"2", 1, lease.fence, LONG).await;
    assert_eq!(written, Ok(2));
    assert!(bench.acquire(&key, LONG).await.is_none());
    bench.store.release(&key, &lease).await.unwrap();
    assert!(bench.acquire(&key, LONG).await.is_some());
}

pub async fn each_lease_has_a_greater_fence(bench: &Bench) {
    let key = bench.with_session(b"1").await;
    let mut last = Fence(0);
    for _ in 0..20 {
        let lease = bench.acquire(&key, LONG).await.unwrap();
        assert!(lease.fence > last, "{:?} after {last:?}", lease.fence);
        last = lease.fence;
        bench.store.release(&key, &lease).await.unwrap();
    }
    bench.acquire(&key, SHORT).await.unwrap();
    let latest = tokio::sync::Mutex::new(last);
    let is_free = async || match bench.acquire(&key, LONG).await {
        Some(lease) => {
            *latest.lock().await = lease.fence;
            true
        }
        None => false,
    };
    bench.time.until(SHORT, "the lease ends", is_free).await;
    // The one that nobody gave back had a fence as well.
    let latest = latest.into_inner();
    assert!(latest.0 > last.0 + 1, "{latest:?} two after {last:?}");
}

pub async fn only_the_holder_gives_a_lease_back(bench: &Bench) {
    let key = bench.with_session(b"1").await;
    let first = bench.acquire(&key, SHORT).await.unwrap();
    let held = tokio::sync::Mutex::new(None);
    let is_free = async || {
        let mut held = held.lock().await;
        *held = bench.acquire(&key, LONG).await;
        held.is_some()
    };
    bench.time.until(SHORT, "the lease ends", is_free).await;
    let second = held.into_inner().unwrap();
    assert_eq!(bench.store.release(&key, &first).await, Ok(()));
    assert!(bench.acquire(&key, LONG).await.is_none());
    for fence in [0, second.fence.0 + 1, u64::MAX] {
        let invented = Lease {
            fence: Fence(fence),
        };
        assert_eq!(bench.store.release(&key, &invented).await, Ok(()));
        assert!(bench.acquire(&key, LONG).await.is_none(), "{fence}");
    }
    bench.store.release(&key, &second).await.unwrap();
    assert!(bench.acquire(&key, LONG).await.is_some());
}

pub async fn a_value_that_is_too_long_is_refused(bench: &Bench) {
    let (key, other) = (bench.session(), bench.with_session(b"1").await);
    let found = 4 * 1024 * 1024;
    let long = vec![7; found];
    let refused = bench.insert(&key, &long, LONG).await.unwrap_err();
    let StoreError::TooLong { limit, .. } = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refused, StoreError::TooLong { limit, found });
    assert_eq!(bench.read(&key).await, None);
    let written = bench.replace(&other, &long, 1, Fence(0), LONG).await;
    assert_eq!(written, Err(refused));
    assert_eq!(bench.read(&other).await, Some((b"1".to_vec(), 1)));

    let fits = vec![7; limit];
    let over = vec![7; limit + 1];
    let refused = bench.insert(&key, &over, LONG).await.unwrap_err();
    assert_eq!(refused.code(), "store-too-long");
    assert_eq!(bench.insert(&key, &fits, LONG).await, Ok(()));
    assert_eq!(bench.read(&key).await, Some((fits.clone(), 1)));
    let written = bench.replace(&other, &fits, 1, Fence(0), LONG).await;
    assert_eq!(written, Ok(2));
    assert_eq!(bench.take(&other).await, Some(fits));
}

pub async fn a_value_is_any_octets(bench: &Bench) {
    let all: Vec<u8> = (0..=255).collect();
    for value in [&all[..], b"", b"\0", b"\r\n$5\r\n", b"\xff\xfe", b"nil"] {
        let key = bench.launch();
        bench.insert(&key, value, LONG).await.unwrap();
        assert_eq!(bench.read(&key).await, Some((value.to_vec(), 1)));
        assert_eq!(bench.take(&key).await, Some(value.to_vec()));

        let key = bench.with_session(b"before").await;
        bench.replace(&key, value, 1, Fence(0), LONG).await.unwrap();
        assert_eq!(bench.read(&key).await, Some((value.to_vec(), 2)));
    }
}

pub async fn nothing_shows_a_value(bench: &Bench) {
    let key = bench.with_session(b"s3cret").await;
    let lease = bench.acquire(&key, LONG).await.unwrap();
    let stored = bench.store.read(&key).await.unwrap().unwrap();
    let error = bench.insert(&key, b"s3cret", LONG).await.unwrap_err();
    let shown = format!("{:?} {stored:?} {lease:?} {error:?} {error}", bench.store);
    // As text and as a list of octets.
    for secret in ["s3cret", "115, 51"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("revision"), "{shown}");
}
