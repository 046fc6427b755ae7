//! The items that tools of a provider leave in an answer.

use super::members::ItemMember;

/// How many items there are of each kind that costs something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ToolItems {
    pub(super) web_searches: u64,
    /// Of these, calls that only opened a page or looked for a text in one.
    pub(super) visits: u64,
    pub(super) file_searches: u64,
    pub(super) images: u64,
    /// Results of Anthropic's searches, which its usage counts.
    pub(super) search_results: u64,
    /// Code that ran in a container, which is billed by the time that it ran.
    pub(super) code: u64,
    /// Tools of an older version that the request offers, whose searches have another price.
    pub(super) previews: u64,
    /// Runs of Mistral's connectors, which its usage counts.
    pub(super) executions: u64,
    /// Items that are billed in a way that they do not show.
    pub(super) others: u64,
}

/// Whether an item that is not known by its name may be billed: the call of a tool that is not the caller's own.
fn is_billed(name: &str) -> bool {
    const FREE: [&str; 11] = [
        "function_call",
        "custom_tool_call",
        "computer_call",
        "mcp_call",
        "local_shell_call",
        "shell_call",
        "apply_patch_call",
        "tool_search_call",
        "tool_search_tool_result",
        "mcp_tool_result",
        // Its tokens are a pass of their own.
        "advisor_tool_result",
    ];
    // The last one is Moonshot's.
    let is_tool = name.ends_with("_call") || name.ends_with("_tool_result") || name == "$web_search";
    is_tool && !FREE.contains(&name)
}

impl ToolItems {
    /// Counts an item by what one of its members says.
    pub(super) fn count(&mut self, member: ItemMember, value: &str) {
        let counter = match (member, value) {
            (ItemMember::Type, "web_search_call") => &mut self.web_searches,
            (ItemMember::Type, "file_search_call") => &mut self.file_searches,
            (ItemMember::Type, "image_generation_call") => &mut self.images,
            (ItemMember::Type, "web_search_tool_result" | "web_fetch_tool_result") => {
                &mut self.search_results
            }
            (
                ItemMember::Type,
                "code_execution_tool_result"
                | "bash_code_execution_tool_result"
                | "text_editor_code_execution_tool_result",
            ) => &mut self.code,
            (ItemMember::Action, "open_page" | "find_in_page" | "find") => &mut self.visits,
            // A shell of the caller's own, outside of a container, costs nothing.
            (ItemMember::Offered, name) if name.starts_with("web_search_preview") => &mut self.previews,
            (ItemMember::Type, "tool.execution") => &mut self.executions,
            (ItemMember::Type, name) if is_billed(name) => &mut self.others,
            (ItemMember::Executed, _)
            | (ItemMember::Environment, "container_auto" | "container_reference") => &mut self.others,
            _ => return,
        };
        *counter = counter.saturating_add(1);
    }

    /// Combines each count with that of `other`.
    fn zip(self, other: Self, combine: fn(u64, u64) -> u64) -> Self {
        Self {
            web_searches: combine(self.web_searches, other.web_searches),
            visits: combine(self.visits, other.visits),
            file_searches: combine(self.file_searches, other.file_searches),
            images: combine(self.images, other.images),
            search_results: combine(self.search_results, other.search_results),
            code: combine(self.code, other.code),
            previews: combine(self.previews, other.previews),
            executions: combine(self.executions, other.executions),
            others: combine(self.others, other.others),
        }
    }

    /// Returns the larger of each count.
    pub(super) fn or_more(self, other: Self) -> Self {
        self.zip(other, u64::max)
    }

    /// Returns the sum of each count.
    pub(super) fn plus(self, other: Self) -> Self {
        self.zip(other, u64::saturating_add)
    }

    /// Returns the searches of the web. Opening a page of what was found costs nothing.
    pub(super) fn searches(self) -> Option<u64> {
        self.web_searches.checked_sub(self.visits).filter(|_| self.web_searches > 0)
    }
}
