//! Which cookies the app sets, and what it reads of those that come.

use core::time::Duration;

use cookie::{Cookie, SameSite};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use smart_oidc::jose::alg::HashAlgorithm;
use smart_oidc::jose::{CryptoProvider, Secret, base64url};
use smart_oidc::{LAUNCH_LIFE, LaunchTag};

use super::address::AppUrl;

/// All cookies of one request may be this long together, in octets: more than any browser keeps for
/// one host that sets what we set.
pub(super) const MAX_COOKIE_OCTETS: usize = 16 * 1024;
/// So many of one kind a browser holds; the oldest makes room for another.
pub(super) const MAX_COOKIES: usize = 16;
/// Every value that we set has 256 bits in base64url.
const VALUE_LENGTH: usize = 43;

/// Which attributes cookies get besides `HttpOnly` and `Path=/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CookieMode {
    /// `__Host-` and `Secure`: no other host, no subdomain and no plain connection sets or sees
    /// them. Browsers take them over plain http on loopback too, with the exception of Safari.
    #[default]
    HostPrefixed,
    /// Neither, for browsers that refuse them over plain http: on loopback addresses only, and to try
    /// things.
    LoopbackDevelopment,
}

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It binds a launch to the browser that began it.
    Launch,
    /// It is the id of a session.
    Session,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Launch => "launch",
            Self::Session => "session",
        }
    }
}

/// How the app's cookies are named and written.
#[derive(Clone, Debug)]
pub(super) struct Cookies {
    mode: CookieMode,
    is_framed: bool,
    /// Cookies ignore ports, and `__Host-` asks for the path `/`: two apps behind two prefixes of one
    /// host, or on two ports, would read each other's. So the names say whose they are.
    suffix: String,
}

/// What a request holds of our cookies.
#[derive(Default)]
pub(super) struct Jar {
    launches: Vec<(LaunchTag, Secret<String>)>,
    sessions: Vec<(LaunchTag, Secret<String>)>,
}

impl Jar {
    /// In the order in which the browser sent them: the oldest first (RFC 6265 5.4).
    pub(super) fn all(&self, kind: Kind) -> &[(LaunchTag, Secret<String>)] {
        match kind {
            Kind::Launch => &self.launches,
            Kind::Session => &self.sessions,
        }
    }

    pub(super) fn find(&self, kind: Kind, tag: &LaunchTag) -> Option<&Secret<String>> {
        let mut all = self.all(kind).iter();
        all.find(|it| &it.0 == tag).map(|it| &it.1)
    }

    /// Those that must go so that one more fits.
    pub(super) fn surplus(&self, kind: Kind) -> &[(LaunchTag, Secret<String>)] {
        let all = self.all(kind);
        let count = (all.len() + 1).saturating_sub(MAX_COOKIES);
        all.get(..count).unwrap_or_default()
    }
}

impl Cookies {
    pub(super) fn new(
        mode: CookieMode,
        is_framed: bool,
        url: &AppUrl,
        provider: &CryptoProvider,
    ) -> Self {
        let digest = provider.hash(HashAlgorithm::Sha256, url.to_string().as_bytes());
        let octets: Vec<u8> = digest.as_ref().iter().copied().take(6).collect();
        let suffix = format!(".{}", base64url::encode(octets));
        Self {
            mode,
            is_framed,
            suffix,
        }
    }

    const fn prefix(&self) -> &'static str {
        match self.mode {
            CookieMode::HostPrefixed => "__Host-",
            CookieMode::LoopbackDevelopment => "",
        }
    }

    fn name(&self, kind: Kind, tag: &LaunchTag) -> String {
        format!(
            "{}{}-{}{}",
            self.prefix(),
            kind.name(),
            tag.as_str(),
            self.suffix
        )
    }

    /// The value of `Set-Cookie` that sets the binding of a launch, for as long as a launch lives.
    pub(super) fn set_launch(&self, tag: &LaunchTag, value: &str) -> Option<HeaderValue> {
        self.write(Kind::Launch, tag, value, Some(LAUNCH_LIFE))
    }

    /// The value of `Set-Cookie` that sets the id of a session, until the browser is closed. With an
    /// age the browser would drop one cookie while its tab is still open, and stay signed in after
    /// everybody has gone.
    pub(super) fn set_session(&self, tag: &LaunchTag, value: &str) -> Option<HeaderValue> {
        self.write(Kind::Session, tag, value, None)
    }

    /// The value of `Set-Cookie` that takes one away.
    pub(super) fn remove(&self, kind: Kind, tag: &LaunchTag) -> Option<HeaderValue> {
        self.write(kind, tag, "", Some(Duration::ZERO))
    }

    fn write(
        &self,
        kind: Kind,
        tag: &LaunchTag,
        value: &str,
        life: Option<Duration>,
    ) -> Option<HeaderValue> {
        let name = self.name(kind, tag);
        let same_site = if self.is_framed {
            SameSite::None
        } else {
            SameSite::Lax
        };
        let cookie = Cookie::build((name, value))
            .path("/")
            .http_only(true)
            .secure(self.mode == CookieMode::HostPrefixed)
            .same_site(same_site)
            .partitioned(self.is_framed);
        let cookie = match life.and_then(|it| i64::try_from(it.as_secs()).ok()) {
            Some(secs) => cookie.max_age(cookie::time::Duration::seconds(secs)),
            None => cookie,
        };
        let mut value = HeaderValue::from_str(&cookie.to_string()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// What a request holds of our cookies; `None` where they are too long to be looked at. Two of
    /// one name and with different values count as none: one of them was not set by us.
    pub(super) fn read(&self, headers: &HeaderMap) -> Option<Jar> {
        let values = headers.get_all(COOKIE);
        if values.iter().map(HeaderValue::len).sum::<usize>() > MAX_COOKIE_OCTETS {
            return None;
        }
        let mut jar = Jar::default();
        let mut doubtful = Vec::new();
        for header in values {
            for (name, value) in pairs(header.as_bytes()) {
                let Some((kind, tag)) = self.parse(name) else {
                    continue;
                };
                if value.len() != VALUE_LENGTH || base64url::decode(value).is_err() {
                    continue;
                }
                match jar.find(kind, &tag) {
                    Some(held) if !held.matches(value) => doubtful.push((kind, tag)),
                    Some(_) => {}
                    None => {
                        let held = (tag, Secret::new(value.to_owned()));
                        match kind {
                            Kind::Launch => jar.launches.push(held),
                            Kind::Session => jar.sessions.push(held),
                        }
                    }
                }
            }
        }
        for (kind, tag) in doubtful {
            match kind {
                Kind::Launch => jar.launches.retain(|it| it.0 != tag),
                Kind::Session => jar.sessions.retain(|it| it.0 != tag),
            }
        }
        Some(jar)
    }

    fn parse(&self, name: &str) -> Option<(Kind, LaunchTag)> {
        let name = name.strip_prefix(self.prefix())?;
        let name = name.strip_suffix(self.suffix.as_str())?;
        [Kind::Launch, Kind::Session].into_iter().find_map(|kind| {
            let tag = name.strip_prefix(kind.name())?.strip_prefix('-')?;
            Some((kind, LaunchTag::parse(tag)?))
        })
    }
}

/// The cookies of one header, by octets: another app's may hold what is no ASCII, and ours beside it
/// are as good as without it. Only what browsers take off themselves is taken off a name; with more,
/// a neighbour could set a cookie that is read as one of ours.
fn pairs(header: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    header.split(|it| *it == b';').filter_map(|pair| {
        let pair = str::from_utf8(pair).ok().filter(|it| it.is_ascii())?;
        let (name, value) = pair.split_once('=')?;
        let blank = |it: char| matches!(it, ' ' | '\t');
        Some((name.trim_matches(blank), value.trim_matches(blank)))
    })
}
