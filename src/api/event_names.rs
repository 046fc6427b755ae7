//! What the names of events say.

/// Events after which nothing of interest follows.
pub(super) fn is_last_event(name: &str) -> bool {
    matches!(
        name,
        "message_stop"
            | "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "message-end"
            | "stream-end"
            | "interaction.completed"
            | "interaction.complete"
            | "interaction.failed"
            | "transcript.text.done"
            | "speech.audio.done"
            | "image_generation.completed"
            | "image_edit.completed"
    )
}

/// Events with text, reasoning or a call of a tool.
pub(super) fn is_content_event(name: &str) -> bool {
    name.ends_with(".delta")
        || matches!(
            name,
            "content_block_delta"
                | "content-delta"
                | "tool-plan-delta"
                | "tool-call-start"
                | "tool-call-delta"
                | "text-generation"
                | "tool-calls-generation"
                | "tool-calls-chunk"
        )
}
