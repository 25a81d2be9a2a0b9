//! The whole server, over real sockets and through the public interface only.

mod authorize;
mod consent;
mod documents;
mod fhir;
mod flow;
mod http;
mod lifecycle;
mod token;
