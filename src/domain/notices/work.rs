//! What is done later.

use serde_json::Value;

use crate::app::App;
use crate::base::ids::*;
use crate::base::job::JobError;
use crate::engines::queue::Run;

/// Not built.
pub async fn send(_: &App, _: &Run, _: MailId) -> Result<Value, JobError> {
    Ok(Value::Null)
}

/// Not built.
pub async fn remind(_: &App, _: &Run) -> Result<Value, JobError> {
    Ok(Value::Null)
}

/// Not built.
pub async fn digest(_: &App, _: &Run) -> Result<Value, JobError> {
    Ok(Value::Null)
}

/// Not built.
pub async fn prune(_: &App, _: &Run) -> Result<Value, JobError> {
    Ok(Value::Null)
}
