//! Keeps foreign pages out of a development server.

use axum::{
    extract::Request,
    http::{StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Answers only requests that name this machine. A page elsewhere can make its own name resolve to the
/// loopback address and would then read, as its own origin, the tokens that `roster dev` hands out.
pub async fn local_only(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(names_this_machine) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "This server listens on this machine only: call it localhost or 127.0.0.1.\n")
        .into_response()
}

fn names_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::names_this_machine;

    #[test]
    fn only_names_of_this_machine_pass() {
        for good in ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST"] {
            assert!(names_this_machine(good), "{good}");
        }
        for bad in ["evil.example", "localhost.evil.example", "10.0.0.1:8080", "", "127.0.0.1.evil.example:80"] {
            assert!(!names_this_machine(bad), "{bad}");
        }
    }
}
