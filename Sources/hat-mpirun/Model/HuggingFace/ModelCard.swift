import Foundation
import HAT
import HATCore
import HATText

/// The README of an exported model: what it is and how to load it.
struct ModelCard {
  private let loaded: LoadedModel
  private let model: HuggingFaceModel
  private let evaluation: Evaluation?

  init(_ loaded: LoadedModel, _ model: HuggingFaceModel, evaluation: Evaluation?) {
    (self.loaded, self.model, self.evaluation) = (loaded, model, evaluation)
  }

  func text(name: String) -> String {
    """
    ---
    library_name: transformers
    pipeline_tag: text-generation
    ---

    # \(name)

    \(kind)

    - \(loaded.weights.table.count) parameters, after \(loaded.manifest.step) steps of training
    \(measured)
    - Trained with contexts of at most \(loaded.configuration.data.sequenceWords) words and \
    \(loaded.configuration.data.sequenceBytes) bytes of text.

    ```python
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = "…"  # this folder, or where you have put it
    tokenizer = AutoTokenizer.from_pretrained(folder\(trust))
    model = AutoModelForCausalLM.from_pretrained(folder\(trust))
    inputs = tokenizer("The ", return_tensors="pt")
    outputs = model.generate(**inputs\(loaded.tokenizer == nil ? ", max_new_bytes=400" : ", max_new_tokens=100"))
    print(tokenizer.decode(outputs[0], skip_special_tokens=True))
    ```

    \(dialogue)`hat-mpirun import` of hat makes a run of this folder. `config.json` has the complete configuration of the training under
    `hat`.

    """
  }

  /// With an empty line behind it, if there is anything to say.
  private var dialogue: String {
    guard loaded.template != .plain else { return "" }
    return """
      It was tuned on dialogues, with the template \(loaded.template.name):

      ```python
      messages = [{"role": "user", "content": "…"}]
      inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
      outputs = model.generate(**inputs)
      print(tokenizer.decode(outputs[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
      ```


      """
  }

  private var trust: String { model.module == nil ? "" : ", trust_remote_code=True" }

  private var kind: String {
    if loaded.tokenizer == nil {
      return """
        A language model without a tokenizer: a Hierarchical Autoregressive Transformer
        ([arXiv 2501.10322](https://arxiv.org/abs/2501.10322)). Its symbols are the 256 bytes. Words are cut by the rule
        `\(loaded.splitter.rule.name)`, to at most \(loaded.splitter.maximumWordBytes) bytes. `modeling_hat.py` is the model,
        `tokenization_hat.py` cuts text into words.
        """
    }
    let own = model.module.map {
      " `\($0).py` adds tables of n-grams of tokens to the model of `transformers`."
    }
    return """
      A language model of \(loaded.configuration.model.vocabulary) subword tokens, `\(model.architecture.rawValue)`.\(own ?? "")
      """
  }

  private var measured: String {
    guard let evaluation else { return "- The run did not measure it on held-out text." }
    return "- \(String(format: "%.4f", evaluation.bitsPerByte)) bits per byte of its run's held-out text"
  }
}
