#!/usr/bin/env python3
"""The seed's network in PyTorch, as `promostream learn --learner dnn` has it: embeddings (8) of the names and scaled
log1p of the numbers, dropout .2, dense 128 ReLU, dropout .2, dense 1 sigmoid; Adam 1e-3, binary cross-entropy, batches
of 32; at most 60 epochs, the best on the validation rows is kept, 6 without an improvement end it.

    torch_net.py TRAIN VALID TEST NUMBERS NAMES SEEDS      CSV files; columns by commas

Prints a JSON list for each seed: the probabilities of the test rows."""
import copy
import csv
import json
import sys

import numpy
import torch

EMBEDDING, HIDDEN, DROPOUT, BATCH, EPOCHS, PATIENCE = 8, 128, 0.2, 32, 60, 6


class Net(torch.nn.Module):
    def __init__(self, sizes, number_count):
        super().__init__()
        self.embeddings = torch.nn.ModuleList(torch.nn.Embedding(size, EMBEDDING) for size in sizes)
        width = number_count + EMBEDDING * len(sizes)
        self.stack = torch.nn.Sequential(
            torch.nn.Dropout(DROPOUT), torch.nn.Linear(width, HIDDEN), torch.nn.ReLU(),
            torch.nn.Dropout(DROPOUT), torch.nn.Linear(HIDDEN, 1))

    def forward(self, numbers, names):
        embedded = [embedding(names[:, i]) for i, embedding in enumerate(self.embeddings)]
        return self.stack(torch.cat([numbers] + embedded, 1)).squeeze(1)


def read(path, numbers, names):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    values = numpy.array([[float(row[c]) for c in numbers] for row in rows])
    return (numpy.sign(values) * numpy.log1p(numpy.abs(values)), [[row[c] for c in names] for row in rows],
            torch.tensor([float(row["label"]) for row in rows]))


def tensors(part, mean, sd, indices):
    values, texts, labels = part
    coded = [[index.get(text, 0) for text, index in zip(row, indices)] for row in texts]  # 0: not seen in training
    return torch.tensor((values - mean) / sd, dtype=torch.float32), torch.tensor(coded), labels


def learn(train, valid, test, sizes, seed):
    torch.manual_seed(seed)
    net = Net(sizes, train[0].shape[1])
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    loss_of = torch.nn.BCEWithLogitsLoss()
    best, kept, waited = float("inf"), None, 0
    for _ in range(EPOCHS):
        net.train()
        for batch in torch.randperm(len(train[2])).split(BATCH):
            adam.zero_grad()
            loss_of(net(train[0][batch], train[1][batch]), train[2][batch]).backward()
            adam.step()
        net.eval()
        with torch.no_grad():
            loss = loss_of(net(valid[0], valid[1]), valid[2]).item()
        waited = 0 if loss < best - 1e-4 else waited + 1
        if loss < best:
            best, kept = loss, copy.deepcopy(net.state_dict())
        if waited >= PATIENCE:
            break
    net.load_state_dict(kept)
    with torch.no_grad():
        return torch.sigmoid(net(test[0], test[1])).tolist()


def main():
    numbers, names = sys.argv[4].split(","), sys.argv[5].split(",")
    torch.set_num_threads(1)
    parts = [read(path, numbers, names) for path in sys.argv[1:4]]
    mean, sd = parts[0][0].mean(0), parts[0][0].std(0) + 1e-9
    indices = [{} for _ in names]
    for row in parts[0][1]:
        for text, index in zip(row, indices):
            index.setdefault(text, len(index) + 1)
    train, valid, test = (tensors(part, mean, sd, indices) for part in parts)
    for seed in range(int(sys.argv[6])):
        print(json.dumps(learn(train, valid, test, [len(index) + 1 for index in indices], seed)), flush=True)


main()
