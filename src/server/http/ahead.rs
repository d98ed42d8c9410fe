//! Reads ahead what changes outdate, by the routes themselves: what is asked for most is ready again before it is asked for.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use futures_util::StreamExt;
use futures_util::stream;
use tower::ServiceExt;

use crate::app::App;
use crate::domain::answer::ReadAhead;

/// Answers that are read ahead at once: fewer than there are readers, so that people come first.
const AT_ONCE: usize = 2;

/// Runs until the program stops.
pub(super) async fn read(app: App) {
    let routes = Router::new().nest("/api/v1", super::api()).with_state(app.clone());
    loop {
        let recipes = tokio::select! {
            recipes = app.cache.ahead().next() => recipes,
            () = app.stopping.cancelled() => return,
        };
        let reads = stream::iter(recipes).for_each_concurrent(AT_ONCE, |recipe| {
            let (app, routes) = (&app, routes.clone());
            async move {
                if !recipe.who.still_holds(app) {
                    app.cache.ahead().forget(&recipe);
                    return;
                }
                let Ok(mut request) = Request::get(&recipe.uri).body(Body::empty()) else { return };
                request.extensions_mut().insert(recipe.who.clone());
                request.extensions_mut().insert(ReadAhead);
                let answered = routes.oneshot(request).await;
                if !answered.is_ok_and(|a| a.status().is_success()) {
                    app.cache.ahead().forget(&recipe);
                }
            }
        });
        reads.await;
    }
}
