//! A browser, as a person uses it.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use smart_tests::skip;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::driver::{self, Driver};

/// So long anything may take, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked whether a page is there.
const LOOK: Duration = Duration::from_millis(25);

/// A browser with a profile of its own. It ends when it is dropped.
pub(crate) struct Browser {
    client: Client,
    /// Dropped after the client, and before another browser may start.
    _driver: Driver,
    _turn: OwnedSemaphorePermit,
}

/// Which browser it is.
#[derive(Clone, Copy, Default)]
pub(crate) struct Setup {
    /// Its settings say that no script runs.
    pub(crate) has_no_scripts: bool,
}

/// Two browsers at once, so that a small machine gives each what it needs.
fn turns() -> Arc<Semaphore> {
    static TURNS: std::sync::OnceLock<Arc<Semaphore>> = std::sync::OnceLock::new();
    Arc::clone(TURNS.get_or_init(|| Arc::new(Semaphore::new(2))))
}

impl Browser {
    /// A browser, or a line that says that the test is skipped.
    pub(crate) async fn open() -> Option<Self> {
        Self::open_with(Setup::default()).await
    }

    pub(crate) async fn open_with(setup: Setup) -> Option<Self> {
        let path = match driver::browser() {
            Ok(path) => path,
            Err(reason) => {
                let thread = thread::current();
                skip::say("chromium", thread.name().unwrap_or("browser"), reason);
                return None;
            }
        };
        let turn = turns().acquire_owned().await.unwrap();
        let driver = Driver::start();
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--window-size=1200,900".to_owned(),
            "--force-device-scale-factor=1".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--no-first-run".to_owned(),
            format!("--user-data-dir={}", driver.profile().display()),
        ];
        arguments.extend(driver::has_no_sandbox().then(|| "--no-sandbox".to_owned()));
        // As in a browser that has been told to keep other sites' cookies out.
        let mut settings =
            json!({ "profile.block_third_party_cookies": true, "profile.cookie_controls_mode": 1 });
        if setup.has_no_scripts {
            settings["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        let wanted = json!({
            "goog:chromeOptions": { "args": arguments, "binary": path, "prefs": settings },
            "timeouts": { "pageLoad": 20_000, "script": 20_000 },
        });
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted.as_object().unwrap().clone())
            .connect(&driver.url())
            .await
            .expect("the browser starts");
        Some(Self {
            client,
            _driver: driver,
            _turn: turn,
        })
    }

    pub(crate) async fn visit(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub(crate) async fn back(&self) {
        self.client.back().await.unwrap();
    }

    pub(crate) async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    pub(crate) async fn url(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    pub(crate) async fn title(&self) -> String {
        self.client.title().await.unwrap()
    }

    /// Waits until there is such an element.
    pub(crate) async fn find(&self, css: &str) -> Element {
        let wait = self.client.wait().at_most(PATIENCE).every(LOOK);
        match wait.for_element(Locator::Css(css)).await {
            Ok(element) => element,
            Err(error) => panic!("{css}: {error}; {}", self.seen().await),
        }
    }

    /// Waits until an element of this name has this text in it.
    pub(crate) async fn wait_for(&self, name: &str, text: &str) -> Element {
        assert!(!text.contains('"'), "{text}");
        let path = format!("//*[self::{name}][contains(normalize-space(.), \"{text}\")]");
        self.wait_until(PATIENCE, &path).await
    }

    /// Waits until there is one of these two, each an XPath.
    pub(crate) async fn wait_for_either(&self, one: &str, other: &str) {
        self.wait_until(PATIENCE, &format!("{one} | {other}")).await;
    }

    /// Waits for what this XPath names, which may take its time by design.
    pub(crate) async fn wait_until(&self, most: Duration, path: &str) -> Element {
        let wait = self.client.wait().at_most(most).every(LOOK);
        match wait.for_element(Locator::XPath(path)).await {
            Ok(element) => element,
            Err(error) => panic!("{path}: {error}; {}", self.seen().await),
        }
    }

    /// Waits until the heading of the page has this text.
    pub(crate) async fn wait_for_heading(&self, text: &str) {
        self.wait_for("h1", text).await;
    }

    /// Presses the button, or follows the link, of this text.
    pub(crate) async fn press(&self, text: &str) {
        let path = format!(
            "*[self::button or self::a or self::summary][contains(normalize-space(.), \"{text}\")]"
        );
        let path = format!("//{path}");
        let wait = self.client.wait().at_most(PATIENCE).every(LOOK);
        match wait.for_element(Locator::XPath(&path)).await {
            Ok(element) => element.click().await.unwrap(),
            Err(error) => panic!("{text:?}: {error}; {}", self.seen().await),
        }
    }

    /// Chooses the option of this value.
    pub(crate) async fn choose(&self, field: &str, value: &str) {
        let field = self.find(&format!("select[name={field}]")).await;
        field.select_by_value(value).await.unwrap();
    }

    /// What a person can read.
    pub(crate) async fn text(&self) -> String {
        let body = self.client.find(Locator::Css("body")).await;
        match body {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// What the page consists of.
    pub(crate) async fn source(&self) -> String {
        self.client.source().await.unwrap()
    }

    async fn seen(&self) -> String {
        format!("{}: {}", self.url().await, self.text().await)
    }

    /// Goes into the frame of the page, whatever it shows.
    pub(crate) async fn enter_frame(&self) {
        let frame = self.find("iframe").await;
        frame.enter_frame().await.unwrap();
    }

    /// Back to the page that has the frame.
    pub(crate) async fn leave_frame(&self) {
        self.client.enter_parent_frame().await.unwrap();
    }

    /// Opens a tab and goes to it.
    pub(crate) async fn open_tab(&self) {
        let tab = self.client.new_window(true).await.unwrap();
        self.client.switch_to_window(tab.handle).await.unwrap();
    }

    /// The value of an expression.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        match self.client.execute(&script, Vec::new()).await {
            Ok(value) => value,
            Err(error) => panic!("{expression}: {error}"),
        }
    }

    /// Runs a script of a test, that says by its last argument when it has ended and with what.
    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        match self.client.execute_async(script, arguments).await {
            Ok(value) => value,
            Err(error) => panic!("{error}; {}", self.seen().await),
        }
    }

    /// Runs a script that ends at once.
    pub(crate) async fn load(&self, script: &str) {
        self.client.execute(script, Vec::new()).await.unwrap();
    }

    /// Strikes the tabulator, wherever the focus is.
    pub(crate) async fn strike_tab(&self) {
        let tab = char::from(Key::Tab);
        let keys = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value: tab })
            .then(KeyAction::Up { value: tab });
        self.client.perform_actions(keys).await.unwrap();
    }

    /// A command of the browser's own, by its development tools.
    pub(crate) async fn command(&self, command: &str, parameters: Value) -> Value {
        let command = DevTools(json!({ "cmd": command, "params": parameters }));
        self.client.issue_cmd(command).await.unwrap()
    }

    /// A picture of the whole page, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let size = self.command("Page.getLayoutMetrics", json!({})).await;
        let size = &size["cssContentSize"];
        let picture = json!({
            "captureBeyondViewport": true,
            "clip": { "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 },
        });
        let picture = self.command("Page.captureScreenshot", picture).await;
        let octets = picture["data"].as_str().unwrap();
        base64::engine::general_purpose::STANDARD
            .decode(octets)
            .unwrap()
    }

    /// Whether the browser refuses to show what was asked for.
    pub(crate) async fn is_refused(&self) -> Result<bool, CmdError> {
        let place = self
            .client
            .execute("return document.URL", Vec::new())
            .await?;
        Ok(place == "chrome-error://chromewebdata/")
    }
}

/// A command of the development tools, which the driver hands on.
#[derive(Debug)]
struct DevTools(Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.0.to_string()))
    }
}
