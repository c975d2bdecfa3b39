//! Testees that are wrong about frames, messages and the end of a connection: the faults of the
//! echo endpoint, for groups 23 to 27.

use crate::testee::Testee;
use crate::testees::{Client, Fault, Pace, Role, server};

pub(crate) fn testees() -> Vec<Testee> {
    let servers = chosen(Role::Server).map(|(fault, groups)| {
        Testee::server(fault.name(), fault.description(), groups, move |accepted| {
            server::answer(accepted.tcp, fault, Pace::NORMAL)
        })
    });
    let clients = chosen(Role::Client).map(|(fault, groups)| {
        Testee::client(fault.name(), fault.description(), groups, move |asked| {
            Client::new(&format!("ws://{}", asked.address), fault)?.run_target(asked.target)
        })
    });
    servers.chain(clients).collect()
}

fn chosen(role: Role) -> impl Iterator<Item = (Fault, &'static [u8])> {
    let with_groups = Fault::all(role).map(|fault| (fault, groups(fault)));
    with_groups.filter(|(_, groups)| !groups.is_empty())
}

/// The groups with cases about a fault.
fn groups(fault: Fault) -> &'static [u8] {
    match fault {
        Fault::None | Fault::NoEcho => &[23, 24, 25, 26],
        Fault::Slow | Fault::FailsFast => &[],
        Fault::WrongPong | Fault::LatePong | Fault::FragmentsSwapped | Fault::LastFragmentLost => {
            &[23, 25]
        }
        Fault::Utf8Unchecked => &[24, 25],
        Fault::TalksAfterClose => &[24],
        _ if fault.compresses() => &[26],
        _ => &[23, 24],
    }
}
