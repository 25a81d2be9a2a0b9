//! The headers that protect every answer.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue};
use smart_oidc::jose::CryptoProvider;

use super::address::AppUrl;
use super::page;
use super::settings::Embedding;

/// One year.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What every answer of the app says to browsers.
#[derive(Clone, Debug)]
pub(super) struct SecurityHeaders {
    /// For our own pages: they load nothing.
    page: HeaderValue,
    /// For the one page of ours whose form goes to another host. `form-action` is left out: browsers
    /// apply it to the redirects after the form too, and those lead anywhere within the EHR.
    form_elsewhere: HeaderValue,
    /// For pages of the app that have no policy of their own.
    default: HeaderValue,
    /// Beside a policy of the app's own: a browser keeps to both.
    ancestors: HeaderValue,
    forbids_frames: bool,
    is_https: bool,
}

/// Which policy an answer of ours gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    Page,
    FormElsewhere,
}

impl SecurityHeaders {
    pub(super) fn new(url: &AppUrl, embedding: &Embedding, provider: &CryptoProvider) -> Self {
        let ancestors = format!("frame-ancestors {}", embedding.ancestors());
        let style = page::style_source(provider);
        let page = format!("default-src 'none'; style-src {style}; base-uri 'none'");
        let own = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'";
        // Hosts were looked at when they were read, so all of these are headers.
        let value = |text: String| {
            HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(
                "default-src 'none'; frame-ancestors 'none'",
            ))
        };
        Self {
            page: value(format!("{page}; form-action 'self'; {ancestors}")),
            form_elsewhere: value(format!("{page}; {ancestors}")),
            default: value(format!("{own}; {ancestors}")),
            ancestors: value(ancestors),
            forbids_frames: *embedding == Embedding::TopLevel,
            is_https: url.is_https(),
        }
    }

    /// Adds what is missing to an answer of ours.
    pub(super) fn protect_own(&self, headers: &mut HeaderMap, policy: Policy) {
        let policy = match policy {
            Policy::Page => &self.page,
            Policy::FormElsewhere => &self.form_elsewhere,
        };
        headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
        self.protect(headers);
    }

    /// Adds what is missing to an answer. A policy of the app's own stays, and so does what it says
    /// of caches and of the referrer; who may frame it is said in any case.
    pub(super) fn protect(&self, headers: &mut HeaderMap) {
        let ours = [
            &self.page,
            &self.form_elsewhere,
            &self.default,
            &self.ancestors,
        ];
        let mut policies = headers.get_all(CONTENT_SECURITY_POLICY).iter().peekable();
        if policies.peek().is_none() {
            headers.insert(CONTENT_SECURITY_POLICY, self.default.clone());
        } else if !policies.any(|it| ours.contains(&it)) {
            headers.append(CONTENT_SECURITY_POLICY, self.ancestors.clone());
        }
        if self.forbids_frames {
            headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        }
        if self.is_https {
            headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
        }
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        for (name, value) in [
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ] {
            headers.entry(name).or_insert(value);
        }
    }
}
