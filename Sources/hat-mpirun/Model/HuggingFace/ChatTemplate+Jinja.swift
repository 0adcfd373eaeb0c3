import HATCore
import HATText

extension ChatTemplate {
  /// The template of turns in the language that `transformers` has for it: it gives what `prompt` gives, behind the document mark.
  ///
  /// A tokenizer may put something else in the place of the marks' names, which messages may contain too.
  static let jinja = """
    {%- set marks = {
        "system": \(mark(SpecialByte.system, "system_mark")), "developer": \(mark(SpecialByte.system, "system_mark")),
        "user": \(mark(SpecialByte.user, "user_mark")), "assistant": \(mark(SpecialByte.assistant, "assistant_mark"))
    } -%}
    {{- bos_token -}}
    {%- for message in messages -%}
        {%- if message["role"] not in marks -%}
            {{- raise_exception("the roles are system, developer, user and assistant, not " ~ message["role"]) -}}
        {%- endif -%}
        {{- marks[message["role"]] -}}
        {%- if message["content"] is string -%}
            {{- message["content"] -}}
        {%- else -%}
            {%- for part in message["content"] -%}
                {{- part["text"] -}}
            {%- endfor -%}
        {%- endif -%}
        {{- \(mark(SpecialByte.turnEnd, "turn_end_mark")) -}}
    {%- endfor -%}
    {%- if add_generation_prompt -%}
        {{- marks["assistant"] -}}
    {%- endif -%}
    """

  private static func mark(_ mark: UInt8, _ variable: String) -> String {
    "\(variable) | default(\"\(SpecialByte.name(ofDialogueMark: mark))\")"
  }
}
