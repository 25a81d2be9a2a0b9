//! Stub.
#[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LaunchContext {
    pub patient: Option<String>,
}
impl LaunchContext {
    pub fn merge(&mut self, newer: Self) {
        if newer.patient.is_some() {
            self.patient = newer.patient;
        }
    }
}
