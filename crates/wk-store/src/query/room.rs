//! Room for recursion: parsers, planners and optimisers walk a query by it, and how deep a query is
//! is up to whoever writes it.

use tokio::runtime::Handle;

use super::QueryError;

/// The stack of a thread that plans. Only what is touched takes memory.
const STACK_BYTES: usize = 256 << 20;

/// Does something on a thread with a large stack, and waits for it.
pub(super) async fn with_room<T: Send + 'static>(
    work: impl FnOnce(&Handle) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, QueryError> {
    let failed = |e: &dyn std::fmt::Display| {
        QueryError::Text(format!("the query could not be planned: {e}"))
    };
    let (send, answer) = tokio::sync::oneshot::channel();
    let runtime = Handle::current();
    let thread = std::thread::Builder::new().name("plan".to_owned()).stack_size(STACK_BYTES);
    let run = move || drop(send.send(work(&runtime))); // whoever asked may have gone
    thread.spawn(run).map_err(|e| failed(&e))?;
    answer.await.map_err(|e| failed(&e))?
}
