//! Shrinking: takes out of a plan that fails whatever it fails without.

use std::time::Duration;

use super::plan::Plan;

/// Cuts pieces out of the plan, ever smaller ones, as long as what is left still fails. `fails` plays a plan; `time_left`
/// says how long the search may go on: what was found by then is given.
pub(crate) fn shrink(
    plan: &Plan,
    mut fails: impl FnMut(&Plan) -> bool,
    mut time_left: impl FnMut() -> Duration,
) -> Plan {
    let mut best = plan.clone();
    let mut piece = best.operations.len().div_ceil(2);
    while piece > 0 {
        let mut cut_any = false;
        let mut at = 0;
        while at < best.operations.len() {
            if time_left().is_zero() {
                return best;
            }
            let mut shorter = best.clone();
            shorter.operations.drain(at..(at + piece).min(best.operations.len()));
            if fails(&shorter) {
                best = shorter;
                cut_any = true;
            } else {
                at += piece;
            }
        }
        // Something may be superfluous now that was not before.
        if !(cut_any && piece == 1) {
            piece /= 2;
        }
    }
    best
}
