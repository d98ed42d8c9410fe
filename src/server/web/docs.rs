//! `/api/docs`.
use super::frame::Frame;
use crate::base::error::Result;
use axum::response::Response;

/// The API as a page
#[utoipa::path(get, path = "/api/docs", security(()), responses((status = 200, body = String, content_type = "text/html")))]
pub(in crate::server) async fn show(_f: Frame) -> Result<Response> {
    Err(crate::base::error::Error::NotFound("path"))
}
