//! JUnit XML, the form of test results that CI systems read.

use std::borrow::Cow;
use std::fmt::{self, Write};

use crate::case::CaseId;
use crate::expect::{Assessment, Testee};
use crate::report::Results;

/// One testee in the file.
#[derive(Clone, Copy, Debug)]
pub struct Suite<'a> {
    /// The name and role of the testee.
    pub testee: &'a Testee,
    /// The cases, in order.
    pub selected: &'a [CaseId],
    /// The results.
    pub results: &'a Results,
    /// The unexpected results.
    pub assessment: &'a Assessment,
}

/// Returns the text of the file. `detail` returns the text about a case with an unexpected result.
pub fn to_xml(suites: &[Suite<'_>], detail: impl Fn(&Testee, CaseId) -> String) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    write_suites(&mut xml, suites, detail).expect("a String takes everything");
    xml
}

fn write_suites(
    xml: &mut String,
    suites: &[Suite<'_>],
    detail: impl Fn(&Testee, CaseId) -> String,
) -> fmt::Result {
    let tests: usize = suites.iter().map(|suite| suite.selected.len()).sum();
    let failures: usize = suites.iter().map(Suite::failures).sum();
    let missing: usize = suites.iter().map(|suite| suite.assessment.missing).sum();
    writeln!(
        xml,
        "<testsuites name=\"ws-conformance\" tests=\"{tests}\" failures=\"{failures}\" \
         errors=\"{missing}\">"
    )?;
    for suite in suites {
        suite.write(xml, &detail)?;
    }
    writeln!(xml, "</testsuites>")
}

impl Suite<'_> {
    fn failures(&self) -> usize {
        self.assessment.unexpected.len() - self.assessment.missing
    }

    fn write(&self, xml: &mut String, detail: &impl Fn(&Testee, CaseId) -> String) -> fmt::Result {
        let time: u64 = self.results.values().map(|entry| entry.duration).sum();
        writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\">",
            escape(&self.testee.agent),
            self.selected.len(),
            self.failures(),
            self.assessment.missing,
            seconds(time),
        )?;
        for case in self.selected {
            self.write_case(xml, *case, detail)?;
        }
        writeln!(xml, "  </testsuite>")
    }

    fn write_case(
        &self,
        xml: &mut String,
        case: CaseId,
        detail: &impl Fn(&Testee, CaseId) -> String,
    ) -> fmt::Result {
        let entry = self.results.get(&case);
        write!(
            xml,
            "    <testcase classname=\"{}.{}\" name=\"{case}\" time=\"{}\"",
            escape(&self.testee.agent),
            self.testee.role,
            seconds(entry.map_or(0, |entry| entry.duration)),
        )?;
        let mut unexpected = self.assessment.unexpected.iter();
        let Some(unexpected) = unexpected.find(|unexpected| unexpected.case == case) else {
            return writeln!(xml, "/>");
        };
        let (element, message) = match unexpected.verdict {
            Some(verdict) => ("failure", format!("{verdict}: {}", unexpected.deviation)),
            None => ("error", unexpected.deviation.to_string()),
        };
        writeln!(xml, ">")?;
        writeln!(
            xml,
            "      <{element} message=\"{}\">{}</{element}>",
            escape(&message),
            escape(&detail(self.testee, case))
        )?;
        writeln!(xml, "    </testcase>")
    }
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

/// Returns `text` as XML text or attribute. Characters that XML 1.0 does not allow become U+FFFD.
fn escape(text: &str) -> Cow<'_, str> {
    let special = |character: char| {
        matches!(character, '&' | '<' | '>' | '"' | '\u{fffe}' | '\u{ffff}') || character < ' '
    };
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' => escaped.push(character),
            '\r' => escaped.push_str("&#13;"),
            other if special(other) => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::Standard;
    use crate::report::Entry;
    use crate::role::Role;
    use crate::verdict::{CloseBehavior, Verdict};

    #[test]
    fn failures_and_missing_results_are_told_apart() {
        let testee = Testee {
            agent: "a<b>&\"c\"".into(),
            role: Role::Server,
        };
        let entry = |close| Entry {
            verdict: Verdict {
                close,
                ..Verdict::GOOD
            },
            duration: 1234,
            remote_close_code: None,
            reportfile: String::new(),
            first_run: None,
        };
        let ids = ["2.1", "2.2", "2.3"].map(|id| id.parse().unwrap());
        let results = Results::from([
            (ids[0], entry(CloseBehavior::Ok)),
            (ids[1], entry(CloseBehavior::Unclean)),
        ]);
        let assessment = Assessment::new(&testee, &ids, &results, Standard::Allowed);
        let suite = Suite {
            testee: &testee,
            selected: &ids,
            results: &results,
            assessment: &assessment,
        };
        let xml = to_xml(&[suite], |_, case| format!("details of <{case}>\u{1}"));
        for expected in [
            "tests=\"3\" failures=\"1\" errors=\"1\"",
            "name=\"a&lt;b&gt;&amp;&quot;c&quot;\"",
            "name=\"2.1\" time=\"1.234\"/>",
            "<failure message=\"OK, close UNCLEAN: the case failed\">details of &lt;2.2&gt;\u{fffd}</failure>",
            "<error message=\"there is no result\">",
        ] {
            assert!(xml.contains(expected), "{expected}\n{xml}");
        }
    }
}
