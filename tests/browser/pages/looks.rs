//! What every page must be, whatever it shows: readable by day, by night and on a telephone, by eyes
//! and by screen readers, with the keyboard alone. A picture of each is left for people.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use smart_tests::installed;

use crate::browser::Browser;

/// In CSS pixels.
const PHONE: (u32, u32) = (390, 844);
/// A page of 1280 pixels at four times its size (WCAG 2.2, 1.4.10).
const NARROWEST: u32 = 320;

/// What axe says of the page: the rules of WCAG 2.2 at level AA and its best practices.
const AXE: &str = r#"
const done = arguments[arguments.length - 1];
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const told = (found) => found.flatMap((it) => it.nodes.map((node) => `${it.id}: ${node.html} ${node.failureSummary}`));
// What is in a frame is another page, and looked at by itself.
const set = { runOnly: { type: 'tag', values: rules }, iframes: false, rules: { 'frame-tested': { enabled: false } } };
axe.run(document, set).then(
  (it) => done({ passed: it.passes.map((rule) => rule.id), violations: told(it.violations), undecided: told(it.incomplete) }),
  (error) => done({ passed: [], violations: [String(error)], undecided: [] }),
);
"#;

/// Where the keyboard can go, in the order of the page.
const CONTROLS: &str = r#"
[...document.querySelectorAll('a[href], button, select, input:not([type=hidden]), summary, iframe')]
  .filter((it) => it.checkVisibility())
  .map((it) => it.type === 'radio' && !it.checked ? null : it)
  .filter((it) => it)
  .map((it) => it.outerHTML.slice(0, 80))
"#;

/// What has the focus, and whether that is seen.
const FOCUS: &str = r#"
((it) => ({
  what: it === document.body ? null : it.outerHTML.slice(0, 80),
  line: getComputedStyle(it).outlineStyle !== 'none' && parseFloat(getComputedStyle(it).outlineWidth) >= 2,
  seen: it.getBoundingClientRect().right > 0 && it.getBoundingClientRect().width > 0,
}))(document.activeElement)
"#;

/// Where the pictures lie.
fn folder() -> PathBuf {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = scratch.parent().unwrap().join("screenshots");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Keeps a picture of the page under this name.
pub(crate) async fn keep(browser: &Browser, name: &str) {
    let picture = browser.picture().await;
    assert!(picture.starts_with(b"\x89PNG"));
    fs::write(folder().join(format!("{name}.png")), picture).unwrap();
}

/// Looks at the page as it stands, from all sides.
pub(crate) async fn check_page(browser: &Browser, name: &str) {
    let axe = axe();
    for scheme in ["light", "dark"] {
        let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        browser
            .command("Emulation.setEmulatedMedia", json!({ "features": feature }))
            .await;
        keep(browser, &format!("{name}.{scheme}")).await;
        if let Some(axe) = &axe {
            check_with_axe(browser, axe, &format!("{name}.{scheme}")).await;
        }
    }
    let light = json!([{ "name": "prefers-color-scheme", "value": "light" }]);
    browser
        .command("Emulation.setEmulatedMedia", json!({ "features": light }))
        .await;
    for width in [NARROWEST, PHONE.0] {
        let phone = json!({
            "width": width, "height": PHONE.1, "deviceScaleFactor": 1, "mobile": true,
        });
        browser
            .command("Emulation.setDeviceMetricsOverride", phone)
            .await;
        let needed = browser.value("document.documentElement.scrollWidth").await;
        assert!(
            needed.as_u64().unwrap() <= u64::from(width),
            "{name}: {needed} pixels on a screen of {width}"
        );
    }
    keep(browser, &format!("{name}.phone")).await;
    browser
        .command("Emulation.clearDeviceMetricsOverride", json!({}))
        .await;
    check_structure(browser, name).await;
}

/// The library; it is not there where npm is not.
fn axe() -> Option<String> {
    let folder = installed::of_npm(env!("CARGO_TARGET_TMPDIR"))?;
    Some(fs::read_to_string(folder.join("node_modules/axe-core/axe.min.js")).unwrap())
}

async fn check_with_axe(browser: &Browser, axe: &str, name: &str) {
    browser.load(axe).await;
    let said = browser.run(AXE, Vec::new()).await;
    assert_eq!(said["violations"], json!([]), "{name}");
    assert_eq!(said["undecided"], json!([]), "{name}");
    let passed = said["passed"].as_array().unwrap();
    for rule in [
        "color-contrast",
        "document-title",
        "html-has-lang",
        "landmark-one-main",
    ] {
        assert!(
            passed.contains(&Value::from(rule)),
            "{name}: {rule} was not looked at"
        );
    }
}

/// What holds without any library.
async fn check_structure(browser: &Browser, name: &str) {
    for (expression, expected) in [
        ("document.documentElement.lang", json!("en")),
        ("document.querySelectorAll('h1').length", json!(1)),
        ("document.querySelectorAll('main').length", json!(1)),
        ("document.title.length > 0", json!(true)),
        (
            "[...document.querySelectorAll('input:not([type=hidden]), select')].filter((it) => !it.labels.length).length",
            json!(0),
        ),
    ] {
        assert_eq!(
            browser.value(expression).await,
            expected,
            "{name}: {expression}"
        );
    }
}

/// The keyboard reaches everything that can be pressed, in the order of the page, and it is seen where
/// it is.
pub(crate) async fn check_keyboard(browser: &Browser, name: &str) {
    let controls = browser.value(CONTROLS).await;
    let controls = controls.as_array().unwrap();
    assert!(!controls.is_empty(), "{name}");
    // The next step is from where the last focus was: from the top.
    browser.load("const it = document.body; it.tabIndex = -1; it.focus(); it.removeAttribute('tabindex');").await;
    for control in controls {
        browser.strike_tab().await;
        let focus = browser.value(FOCUS).await;
        assert_eq!(&focus["what"], control, "{name}");
        assert_eq!(
            focus["line"],
            json!(true),
            "{name}: the focus is not seen at {control}"
        );
        assert_eq!(
            focus["seen"],
            json!(true),
            "{name}: {control} is not seen when it has the focus"
        );
    }
}
