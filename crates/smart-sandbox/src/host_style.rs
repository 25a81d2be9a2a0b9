//! How the EHR looks, for apps that want to look like it (SMART App Launch 2.2, Styling).

use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use crate::responses;

/// The path of the style. Apps keep what they have read from an address, so another style has
/// another one.
pub(crate) const PATH: &str = "/smart-style-1.json";

/// `GET` of the style: the colours and measures of our own pages.
pub(crate) async fn get() -> Response {
    let style = json!({
        "color_background": "#ffffff",
        "color_error": "#b3261e",
        "color_highlight": "#0b57d0",
        "color_modal_backdrop": "#000000",
        "color_success": "#1b6e3c",
        "color_text": "#1f1f1f",
        "dim_border_radius": "5px",
        "dim_font_size": "16px",
        "dim_spacing_size": "16px",
        "font_family_body": "system-ui, sans-serif",
        "font_family_heading": "system-ui, sans-serif",
    });
    responses::json(StatusCode::OK, &style)
}
