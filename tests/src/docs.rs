//! The pages for users, so that their code is compiled and run.

#[doc = include_str!("../../docs/id-token-validation.md")]
#[expect(dead_code, reason = "it carries the page")]
struct IdTokenValidationPage;

#[doc = include_str!("../../docs/worked-example.md")]
#[expect(dead_code, reason = "it carries the page")]
struct WorkedExamplePage;

#[doc = include_str!("../../docs/user-profile.md")]
#[expect(dead_code, reason = "it carries the page")]
struct UserProfilePage;

#[doc = include_str!("../../docs/scopes-and-context.md")]
#[expect(dead_code, reason = "it carries the page")]
struct ScopesAndContextPage;

#[doc = include_str!("../../docs/client-authentication.md")]
#[expect(dead_code, reason = "it carries the page")]
struct ClientAuthenticationPage;

#[doc = include_str!("../../docs/running-many-nodes.md")]
#[expect(dead_code, reason = "it carries the page")]
struct RunningManyNodesPage;

#[doc = include_str!("../../docs/launch-and-session.md")]
#[expect(dead_code, reason = "it carries the page")]
struct LaunchAndSessionPage;

#[doc = include_str!("../../docs/web-apps.md")]
#[expect(dead_code, reason = "it carries the page")]
struct WebAppsPage;

#[doc = include_str!("../../docs/sandbox.md")]
#[expect(dead_code, reason = "it carries the page")]
struct SandboxPage;
