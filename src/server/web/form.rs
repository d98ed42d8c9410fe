//! The body of a posted form, within the limit of every small body.

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::locale::Text;
use crate::domain::http::body;

/// The fields of `application/x-www-form-urlencoded`.
pub(in crate::server) struct Form<T>(pub(in crate::server) T);

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Form<T>> {
        let bytes = body(request).await?;
        serde_urlencoded::from_bytes(&bytes).map(Form).map_err(|_| Error::BadRequest(Text::new("error.body_broken")))
    }
}
