//! What a person is told, in the program and by mail.

pub mod routes;
pub mod work;

use crate::app::App;

/// Follows the journal until the program stops.
pub async fn follow(app: App) {
    app.stopping.cancelled().await;
}
