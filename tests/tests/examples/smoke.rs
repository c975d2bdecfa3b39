//! Tests that run the example programs of ws-smol and ws-async-std.

#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-async-std/examples/async_std_echo.rs"]
mod async_std_echo;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-smol/examples/smol_echo.rs"]
mod smol_echo;

#[test]
fn the_smol_program_shows_both_answers() {
    let mut shown = Vec::new();
    smol::block_on(smol_echo::run(|answer| shown.push(answer.to_owned()))).unwrap();
    assert_eq!(shown, ["hello", "world"]);
}

#[test]
fn the_async_std_program_shows_both_answers() {
    let mut shown = Vec::new();
    let run = async_std_echo::run(|answer| shown.push(answer.to_owned()));
    async_std::task::block_on(run).unwrap();
    assert_eq!(shown, ["hello", "world"]);
}
