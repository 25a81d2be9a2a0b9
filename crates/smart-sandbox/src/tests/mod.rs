//! The whole server, over real sockets and through the public interface only.

mod authorize;
mod clients;
mod consent;
mod documents;
mod ehr;
mod ends;
mod fhir;
mod flow;
mod grants;
mod http;
mod interface;
mod lifecycle;
mod spoiling;
mod token;
