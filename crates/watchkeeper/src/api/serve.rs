//! Serving pages on an address of this machine.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context as _;
use axum::Router;
use wk_engine::service::{Job, Post};
use wk_seam::{Answer, Failure};

/// A job that serves pages. The address is taken at once, so that one that is in use is told before
/// anything begins; it is kept while the job is begun again.
pub(crate) fn job(name: &str, address: SocketAddr, pages: Router) -> anyhow::Result<Job> {
    let listen = || -> std::io::Result<TcpListener> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    let listener = listen().with_context(|| format!("could not listen on {address} for {name}"))?;
    tracing::info!(job = name, address = listener.local_addr()?.to_string(), "listening");
    let work = move |post: Post| {
        let (listener, pages) = (listener.try_clone(), pages.clone());
        Box::pin(serve(listener, pages, post)) as wk_seam::Future<'static, Answer<()>>
    };
    Ok(Job { name: name.to_owned(), work: Box::new(work) })
}

async fn serve(listener: std::io::Result<TcpListener>, pages: Router, post: Post) -> Answer<()> {
    let failed = |e| Failure::new("serve on loopback", e);
    let listener = listener.and_then(tokio::net::TcpListener::from_std).map_err(failed)?;
    post.well();
    let stop = post.stop.clone();
    axum::serve(listener, pages)
        .with_graceful_shutdown(async move { stop.wait().await })
        .await
        .map_err(failed)
}
