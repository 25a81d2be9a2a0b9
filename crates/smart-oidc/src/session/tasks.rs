//! Work that goes on when nobody waits for it.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Counts what goes on, so that a program can wait for it before it ends.
#[derive(Clone, Debug)]
pub(crate) struct Tasks(Arc<watch::Sender<usize>>);

/// One task, until it ends, whatever ends it.
struct Running(Tasks);

impl Drop for Running {
    fn drop(&mut self) {
        self.0
            .0
            .send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Tasks {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    /// Runs a task on the runtime of the caller, whom every async function here has.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.spawn_on(&Handle::current(), work)
    }

    pub(crate) fn spawn_on<T: Send + 'static>(
        &self,
        runtime: &Handle,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.0.send_modify(|count| *count = count.saturating_add(1));
        let running = Running(self.clone());
        runtime.spawn(async move {
            let result = work.await;
            drop(running);
            result
        })
    }

    /// Waits until nothing goes on.
    pub(crate) async fn all_ended(&self) {
        // The sender is ours, so the channel stays open.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_goes_on_is_waited_for_even_if_it_is_dropped_or_panics() {
        let tasks = Tasks::new();
        tasks.all_ended().await;
        let (tell, told) = tokio::sync::oneshot::channel::<()>();
        let waiting = tasks.spawn(async move { told.await.is_ok() });
        let never = tasks.spawn(std::future::pending::<()>());
        let panics = tasks.spawn(async { assert!(std::hint::black_box(false), "on purpose") });
        let all = tasks.all_ended();
        let mut all = std::pin::pin!(all);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let is_over =
            std::future::poll_fn(|cx| std::task::Poll::Ready(all.as_mut().poll(cx).is_ready()));
        assert!(!is_over.await);
        tell.send(()).unwrap();
        never.abort();
        all.await;
        assert!(waiting.await.unwrap());
        assert!(never.await.is_err() && panics.await.is_err());
    }
}
