//! What the pages load: one style sheet, and one script that they do without.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

/// They change with the program only.
const CACHED: &str = "public, max-age=300";

pub(super) async fn style() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, CACHED),
    ];
    (headers, include_str!("../../templates/style.css"))
}

pub(super) async fn script() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, CACHED),
    ];
    (headers, include_str!("../../templates/dashboard.js"))
}

#[cfg(test)]
mod tests {
    const STYLE: &str = include_str!("../../templates/style.css");

    /// The luminance of a colour (WCAG 2.2, relative luminance).
    fn luminance(colour: &str) -> f64 {
        let digits: String = match colour.len() {
            4 => colour[1..].chars().flat_map(|it| [it, it]).collect(),
            _ => colour[1..].to_owned(),
        };
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap()) / 255.0;
            match value <= 0.040_45 {
                true => value / 12.92,
                false => ((value + 0.055) / 1.055).powf(2.4),
            }
        };
        0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
    }

    #[test]
    fn text_can_be_read_by_day_and_by_night() {
        let schemes: Vec<&str> = STYLE.lines().filter(|it| it.contains("--ink:")).collect();
        assert_eq!(schemes.len(), 2);
        for scheme in schemes {
            let light = |name: &str| {
                let (_, rest) = scheme.split_once(&format!("--{name}: ")).unwrap();
                luminance(rest.split(';').next().unwrap())
            };
            // 4.5 is AA for text of this size, 3 for what only separates.
            for (a, b, least) in [
                ("ink", "paper", 4.5),
                ("ink", "soft", 4.5),
                ("ink", "ground", 4.5),
                ("quiet", "paper", 4.5),
                ("quiet", "ground", 4.5),
                ("quiet", "soft", 4.5),
                ("act", "paper", 4.5),
                ("act", "ground", 4.5),
                ("on-act", "act", 4.5),
                ("good", "paper", 4.5),
                ("bad", "paper", 4.5),
                ("line", "paper", 3.0),
                ("line", "soft", 3.0),
            ] {
                let (one, other) = (light(a), light(b));
                let found = (one.max(other) + 0.05) / (one.min(other) + 0.05);
                assert!(found >= least, "{a} on {b}: {found}");
            }
        }
    }
}
