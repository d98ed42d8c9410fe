//! What is done later.

use serde_json::Value;

use crate::app::App;
use crate::base::ids::*;
use crate::base::job::JobError;
use crate::engines::queue::Run;

/// Not built.
pub async fn draft(_: &App, _: &Run, _: PlanId, _: Value) -> Result<Value, JobError> {
    Ok(Value::Null)
}
